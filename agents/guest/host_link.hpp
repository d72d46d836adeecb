#pragma once
/// The guest's end of the channel to the host: a virtio-serial port or a vsock connection carrying
/// rpc::Channel lines. Calls block on the channel alone; requests of the host that arrive meanwhile
/// are served when the loop runs again.

#include "rpc/channel.hpp"
#include "sys/poll.hpp"

#include <deque>
#include <map>

namespace dstack::guest {

class HostLink;

/// The answer the host waits for, given now or later.
class HostReply {
public:
  HostReply(HostLink& link, std::uint64_t id) : link_(&link), id_(id) {}
  void finish(const Result<codec::Json>& result) const;
  /// Part of a streaming answer; false when the host has lost interest.
  bool piece(std::string_view data) const;
  /// Called when the host cancels this request.
  void on_cancel(std::function<void()> action) const;
  HostLink& link() const { return *link_; }

private:
  HostLink* link_;
  std::uint64_t id_;
};

class HostLink {
public:
  using Serve = std::function<void(const std::string&, const codec::Json&, HostReply)>;

  /// Finds the port "dstack.host", or connects by vsock when there is none.
  static Result<std::unique_ptr<HostLink>> open(sys::Loop& loop);
  ~HostLink();
  HostLink(const HostLink&) = delete;
  HostLink& operator=(const HostLink&) = delete;

  void serve(Serve handler) { serve_ = std::move(handler); }

  /// Asks the host and waits; an error of the host comes back with its code.
  Result<codec::Json>
  call(std::string_view method, codec::Json params, std::chrono::milliseconds deadline);
  /// Tells the host something; its acknowledgement is not waited for.
  void notify(std::string_view event, std::string_view payload);
  /// As notify, but returns only when the host has it (or the deadline passed).
  void notify_surely(std::string_view event,
                     std::string_view payload,
                     std::chrono::milliseconds deadline);

  /// Bytes not yet taken by the host, and a one-time call when they have become few.
  std::size_t backlog() const { return channel_.output().size(); }
  void when_drained(std::function<void()> action) { drained_.push_back(std::move(action)); }

private:
  friend class HostReply;
  HostLink(sys::Loop& loop, sys::Fd fd, std::uint64_t first_id);
  void watch();
  void on_event(std::uint32_t events);
  Status pump(std::chrono::milliseconds wait);
  Status read_available();
  void write_available();
  void dispatch();
  void keep(rpc::ChannelEvent event);

  sys::Loop& loop_;
  sys::Fd fd_;
  rpc::Channel channel_;
  Serve serve_;
  bool watched_ = false;
  std::deque<rpc::ChannelEvent> pending_;                ///< what the host asked, not yet served
  std::map<std::uint64_t, Result<codec::Json>> answers_; ///< to calls that are waited for
  std::optional<std::uint64_t> awaited_;
  std::map<std::uint64_t, std::function<void()>> on_cancel_;
  std::vector<std::function<void()>> drained_;
};

} // namespace dstack::guest
