#pragma once
/// Waits for one guest to connect by vsock. The port is the host's, shared by all VMs: connections
/// of other guests are closed, and while another supervisor listens opening fails.

#include "sys/poll.hpp"

namespace dstack::supervisor {

class VsockListener {
public:
  using Connected = std::function<void(sys::Fd)>;
  static Result<std::unique_ptr<VsockListener>>
  open(sys::Loop& loop, std::uint32_t guest_cid, Connected connected);
  ~VsockListener();
  VsockListener(const VsockListener&) = delete;
  VsockListener& operator=(const VsockListener&) = delete;

private:
  VsockListener(sys::Loop& loop, sys::Fd fd) : loop_(loop), fd_(std::move(fd)) {}
  sys::Loop& loop_;
  sys::Fd fd_;
};

} // namespace dstack::supervisor
