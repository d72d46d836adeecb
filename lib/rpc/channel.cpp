#include "rpc/channel.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace dstack::rpc {

using codec::Json;
using MaybeEvent = std::optional<ChannelEvent>;

namespace {

std::string error_line(std::uint64_t id, const Error& error)
{
  constexpr std::size_t most = 64 * 1024; // far below a line, however it is escaped
  Json body;
  body.set("code", name_of(error.code()));
  body.set("message", printable(error.message().substr(0, most)));
  return codec::write_json(Json{}.set("id", id).set("error", std::move(body)));
}

} // namespace

Errc code_from_name(std::string_view name)
{
  constexpr std::array codes{Errc::usage,       Errc::config,    Errc::io,
                             Errc::timeout,     Errc::not_found, Errc::malformed,
                             Errc::unsupported, Errc::untrusted, Errc::denied};
  for (const Errc code : codes)
    if (name_of(code) == name) return code;
  return Errc::internal;
}

Channel::Channel(std::uint64_t first_id, const ChannelLimits& limits)
    : limits_(limits), next_id_(first_id)
{
}

std::vector<ChannelEvent> Channel::feed(ByteView data)
{
  std::vector<ChannelEvent> events;
  std::string_view rest = as_text(data);
  while (!rest.empty()) {
    const auto end = rest.find('\n');
    const std::string_view part = rest.substr(0, end);
    if (!skipping_ && line_.size() + part.size() > limits_.max_line_bytes) {
      events.emplace_back(
          GarbageEvent{fmt::format("a line longer than {} bytes", limits_.max_line_bytes)});
      skipping_ = true;
      line_.clear();
    }
    if (!skipping_) line_ += part;
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
    const std::string line = std::exchange(line_, {});
    if (!std::exchange(skipping_, false) && !trim(line).empty()) take_line(line, events);
  }
  return events;
}

void Channel::take_line(std::string_view line, std::vector<ChannelEvent>& events)
{
  auto event = read_message(line);
  if (!event)
    events.emplace_back(GarbageEvent{event.error().message()});
  else if (*event)
    events.push_back(std::move(**event));
}

Result<MaybeEvent> Channel::read_message(std::string_view line)
{
  const codec::JsonLimits json{
      .max_bytes = limits_.max_line_bytes, .max_depth = 32, .max_nodes = 100'000};
  const Json message = TRY(codec::parse_json(line, json));
  if (!message.is_object()) return fail(Errc::malformed, "a message is not an object");
  if (message.find("cancel") != nullptr) {
    const std::uint64_t id = TRY(message.need_u64("cancel"));
    if (served_.erase(id) == 0) return MaybeEvent{};
    return MaybeEvent{CancelEvent{id}};
  }
  const std::uint64_t id = TRY(message.need_u64("id"));
  if (message.find("method") != nullptr) return read_request(id, message);
  return read_answer(id, message);
}

Result<MaybeEvent> Channel::read_request(std::uint64_t id, const Json& message)
{
  RequestEvent request{id, TRY(message.need_string("method")), Json::object()};
  if (served_.contains(id)) return fail(Errc::malformed, "request {} is made twice", id);
  if (const Json* params = message.find("params"); params != nullptr && !params->is_null()) {
    if (!params->is_object()) return fail(Errc::malformed, "params of request {}: no object", id);
    request.params = *params;
  }
  if (served_.size() >= limits_.max_served) {
    queue(error_line(id, fail(Errc::denied, "more than {} requests wait", limits_.max_served)));
    return MaybeEvent{};
  }
  served_.insert(id);
  return MaybeEvent{std::move(request)};
}

Result<MaybeEvent> Channel::read_answer(std::uint64_t id, const Json& message)
{
  const Json* error = message.find("error");
  const Json* result = message.find("result");
  const Json* piece = message.find("piece");
  if (error == nullptr && result == nullptr && piece == nullptr)
    return fail(Errc::malformed, "answer {} has neither result nor error nor piece", id);
  if (!calls_.contains(id)) return MaybeEvent{};
  if (piece != nullptr)
    return MaybeEvent{PieceEvent{id, TRY(parse_base64(TRY(message.need_string("piece"))))}};
  if (error == nullptr) {
    calls_.erase(id);
    return MaybeEvent{AnswerEvent{id, *result}};
  }
  const std::string code = TRY(error->get_string("code", "internal").within("error"));
  std::string text = TRY(error->get_string("message", "no reason given").within("error"));
  calls_.erase(id);
  return MaybeEvent{AnswerEvent{id, Error{code_from_name(code), std::move(text)}}};
}

Result<std::uint64_t> Channel::call(std::string_view method, Json params)
{
  if (calls_.size() >= limits_.max_calls)
    return fail(Errc::io, "{}: {} calls already wait for an answer", method, calls_.size());
  const std::uint64_t id = next_id_;
  Json message;
  message.set("id", id).set("method", method).set("params", std::move(params));
  std::string line = codec::write_json(message);
  if (line.size() > limits_.max_line_bytes)
    return fail(Errc::unsupported, "{}: a request of {} bytes does not fit a line", method,
                line.size());
  ++next_id_;
  calls_.insert(id);
  queue(std::move(line));
  return id;
}

void Channel::cancel(std::uint64_t id)
{
  if (calls_.erase(id) != 0) queue(codec::write_json(Json{}.set("cancel", id)));
}

bool Channel::answer(std::uint64_t id, const Result<Json>& result)
{
  if (served_.erase(id) == 0) return false;
  if (!result) {
    queue(error_line(id, result.error()));
    return true;
  }
  std::string line = codec::write_json(Json{}.set("id", id).set("result", *result));
  if (line.size() > limits_.max_line_bytes)
    line = error_line(
        id, fail(Errc::unsupported, "an answer of {} bytes does not fit a line", line.size()));
  queue(std::move(line));
  return true;
}

bool Channel::piece(std::uint64_t id, ByteView data)
{
  if (!served_.contains(id)) return false;
  const std::size_t most = limits_.max_line_bytes / 2;
  while (!data.empty()) {
    const ByteView part = data.first(std::min(most, data.size()));
    queue(codec::write_json(Json{}.set("id", id).set("piece", base64(part))));
    data = data.subspan(part.size());
  }
  return true;
}

void Channel::consume_output(std::size_t count)
{
  constexpr std::size_t keep_below = 64 * 1024;
  DSTACK_ASSERT(count <= output_.size() - sent_);
  sent_ += count;
  if (sent_ < output_.size() && sent_ < keep_below) return;
  output_.erase(0, sent_);
  sent_ = 0;
}

void Channel::queue(std::string line)
{
  output_ += line;
  output_ += '\n';
}

} // namespace dstack::rpc
