#include "agents/vm/guest_link.hpp"

#include "base/text.hpp"

namespace dstack::supervisor {

using codec::Json;

namespace {

constexpr std::uint64_t protocol = 1;

} // namespace

Result<std::unique_ptr<GuestLink>> GuestLink::open(sys::Loop& loop, sys::Fd fd, Hooks hooks)
{
  std::unique_ptr<GuestLink> link{new GuestLink{std::move(hooks)}};
  GuestLink* self = link.get();
  const auto closed = [self] { self->fail_calls(fail(Errc::io, "the guest is gone")); };
  link->stream_ =
      TRY(Stream::open(loop, std::move(fd), {[self](ByteView d) { self->on_data(d); }, closed}));
  return link;
}

GuestLink::~GuestLink()
{
  fail_calls(fail(Errc::io, "the guest is gone"));
}

void GuestLink::on_data(ByteView data)
{
  for (const rpc::ChannelEvent& event : channel_.feed(data))
    on_event(event);
  flush();
}

void GuestLink::on_event(const rpc::ChannelEvent& event)
{
  if (const auto* request = std::get_if<rpc::RequestEvent>(&event)) return on_request(*request);
  if (const auto* garbage = std::get_if<rpc::GarbageEvent>(&event))
    return hooks_.garbage(garbage->reason);
  if (const auto* piece = std::get_if<rpc::PieceEvent>(&event)) {
    const auto at = calls_.find(piece->id);
    if (at == calls_.end() || !at->second.piece) return;
    const Piece take = at->second.piece; // it may cancel the call
    take(piece->data);
  }
  if (const auto* answer = std::get_if<rpc::AnswerEvent>(&event)) {
    const auto at = calls_.find(answer->id);
    if (at == calls_.end()) return;
    const Answer take = std::move(at->second.answer);
    calls_.erase(at);
    take(answer->result);
  }
}

void GuestLink::on_request(const rpc::RequestEvent& request)
{
  const bool hello = request.method == "Hello";
  if (!hello && !greeted_) {
    channel_.answer(request.id, fail(Errc::denied, "{} before Hello", printable(request.method)));
    return;
  }
  if (hello) {
    const auto version = request.params.need_u64("protocol");
    if (!version || *version != protocol) {
      channel_.answer(request.id, fail(Errc::unsupported, "protocol {} is wanted", protocol));
      return;
    }
    greeted_ = true;
    channel_.forget_calls();
    fail_calls(fail(Errc::io, "the guest started anew before it answered"));
  }
  const std::weak_ptr<bool> alive = alive_;
  hooks_.serve(request.method, request.params,
               [this, alive, id = request.id](const Result<Json>& result) {
                 if (alive.expired()) return;
                 channel_.answer(id, result);
                 flush();
               });
}

std::uint64_t
GuestLink::stream_call(std::string_view method, Json params, Answer answer, Piece piece)
{
  if (!greeted_) {
    answer(fail(Errc::io, "the guest agent does not answer yet"));
    return 0;
  }
  const auto id = channel_.call(method, std::move(params));
  if (!id) {
    answer(id.error());
    return 0;
  }
  calls_[*id] = {std::move(answer), std::move(piece)};
  flush();
  return *id;
}

void GuestLink::cancel(std::uint64_t id)
{
  if (calls_.erase(id) == 0) return;
  channel_.cancel(id);
  flush();
}

void GuestLink::fail_calls(const Error& error)
{
  const auto calls = std::exchange(calls_, {});
  for (const auto& [id, call] : calls)
    call.answer(error);
}

void GuestLink::flush()
{
  if (!stream_) return;
  const std::string out{channel_.output()};
  if (out.empty()) return;
  channel_.consume_output(out.size());
  stream_->send(out);
}

} // namespace dstack::supervisor
