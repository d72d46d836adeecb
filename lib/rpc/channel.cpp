#include "rpc/channel.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace dstack::rpc {

using codec::Json;

Errc code_from_name(std::string_view name)
{
  constexpr std::array codes{Errc::usage,       Errc::config,    Errc::io,
                             Errc::timeout,     Errc::not_found, Errc::malformed,
                             Errc::unsupported, Errc::untrusted, Errc::denied};
  for (const Errc code : codes)
    if (name_of(code) == name) return code;
  return Errc::internal;
}

Status Channel::feed(ByteView data)
{
  std::string_view rest = as_text(data);
  while (!rest.empty()) {
    const auto end = rest.find('\n');
    const std::string_view part = rest.substr(0, end);
    if (buffer_.size() + part.size() > max_channel_line)
      return fail(Errc::malformed, "guest channel: line longer than {} bytes", max_channel_line);
    buffer_ += part;
    if (end == std::string_view::npos) return ok();
    rest.remove_prefix(end + 1);
    const std::string text = std::exchange(buffer_, {});
    if (!trim(text).empty()) TRY(line(text).within("guest channel"));
  }
  return ok();
}

Status Channel::line(std::string_view text)
{
  const Json message = TRY(codec::parse_json(text, {.max_bytes = max_channel_line}));
  if (!message.is_object()) return fail(Errc::malformed, "a message is not an object");
  if (message.find("cancel") != nullptr) {
    const std::uint64_t id = TRY(message.need_u64("cancel"));
    if (hooks_.cancelled) hooks_.cancelled(id);
    return ok();
  }
  const std::uint64_t id = TRY(message.need_u64("id"));
  if (message.find("method") == nullptr) return answered(id, message);
  Incoming incoming{id, TRY(message.need_string("method")), Json::object()};
  if (const Json* params = message.find("params"); params != nullptr && params->is_object())
    incoming.params = *params;
  hooks_.request(std::move(incoming));
  return ok();
}

Status Channel::answered(std::uint64_t id, const Json& message)
{
  const auto at = open_.find(id);
  if (at == open_.end()) return ok(); // cancelled meanwhile
  if (message.find("piece") != nullptr) {
    Bytes data = TRY(parse_base64(TRY(message.need_string("piece"))));
    if (at->second.piece) at->second.piece(std::move(data));
    return ok();
  }
  Result<Json> result{Json{}};
  if (const Json* error = message.find("error"); error != nullptr && error->is_object()) {
    result = Error{code_from_name(TRY(error->get_string("code", "internal"))),
                   TRY(error->get_string("message", "no reason given"))};
  } else if (const Json* value = message.find("result"); value != nullptr) {
    result = *value;
  } else {
    return fail(Errc::malformed, "an answer has neither result nor error");
  }
  const Answer answer = std::move(at->second.answer);
  open_.erase(at);
  answer(std::move(result));
  return ok();
}

std::uint64_t Channel::ask(std::string_view method, Json params, Answer answer, Piece piece)
{
  const std::uint64_t id = next_id_++;
  open_[id] = Open{std::move(answer), std::move(piece)};
  send(Json{}.set("id", id).set("method", method).set("params", std::move(params)));
  return id;
}

void Channel::cancel(std::uint64_t id)
{
  if (open_.erase(id) != 0) send(Json{}.set("cancel", id));
}

void Channel::answer(std::uint64_t id, const Result<Json>& result)
{
  if (result) {
    send(Json{}.set("id", id).set("result", *result));
    return;
  }
  const Json error = Json{}
                         .set("code", name_of(result.error().code()))
                         .set("message", printable(result.error().message()));
  send(Json{}.set("id", id).set("error", error));
}

void Channel::piece(std::uint64_t id, ByteView data)
{
  constexpr std::size_t most = max_channel_line / 2;
  while (!data.empty()) {
    const ByteView part = data.first(std::min(most, data.size()));
    send(Json{}.set("id", id).set("piece", base64(part)));
    data = data.subspan(part.size());
  }
}

void Channel::reset()
{
  buffer_.clear();
  const auto open = std::exchange(open_, {});
  for (const auto& [id, request] : open)
    request.answer(fail(Errc::io, "the guest started anew before it answered"));
}

void Channel::send(const Json& message)
{
  hooks_.send(codec::write_json(message) + "\n");
}

} // namespace dstack::rpc
