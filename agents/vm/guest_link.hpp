#pragma once
/// The host's end of the guest channel: serves the guest's requests, carries ours.

#include "agents/vm/stream.hpp"
#include "rpc/channel.hpp"

namespace dstack::supervisor {

class GuestLink {
public:
  using Answer = std::function<void(const Result<codec::Json>&)>;
  using Piece = std::function<void(ByteView)>;
  struct Hooks {
    /// Answers a request of the guest, now or later: answer does nothing once the link is gone.
    std::function<void(const std::string& method, const codec::Json& params, Answer answer)> serve;
    /// Something was received that follows no rule; it was dropped.
    std::function<void(const std::string& reason)> garbage;
  };
  static Result<std::unique_ptr<GuestLink>> open(sys::Loop& loop, sys::Fd fd, Hooks hooks);
  ~GuestLink();
  GuestLink(const GuestLink&) = delete;
  GuestLink& operator=(const GuestLink&) = delete;

  /// True from the guest's Hello on; nothing is sent before.
  bool greeted() const { return greeted_; }
  /// Asks the guest. answer is called once: with its answer, or with an error when the guest
  /// reboots, goes away, or has not said Hello.
  void call(std::string_view method, codec::Json params, Answer answer)
  {
    static_cast<void>(stream_call(method, std::move(params), std::move(answer), nullptr));
  }
  /// As call, with the parts of a streaming answer; the id is for cancel().
  std::uint64_t
  stream_call(std::string_view method, codec::Json params, Answer answer, Piece piece);
  void cancel(std::uint64_t id);

private:
  struct Call {
    Answer answer;
    Piece piece;
  };
  explicit GuestLink(Hooks hooks) : hooks_(std::move(hooks)) {}
  void on_data(ByteView data);
  void on_event(const rpc::ChannelEvent& event);
  void on_request(const rpc::RequestEvent& request);
  void fail_calls(const Error& error);
  void flush();

  Hooks hooks_;
  rpc::Channel channel_{1};
  std::unique_ptr<Stream> stream_;
  std::map<std::uint64_t, Call> calls_;
  bool greeted_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

} // namespace dstack::supervisor
