#include "agents/vm/vsock_listener.hpp"

#include "sys/sockets.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <linux/vm_sockets.h> // needs sys/socket.h before it

namespace dstack::supervisor {

namespace {

constexpr std::uint32_t host_port = 10000; // spec host 1.18

/// The context id at the other end, 0 when it is no vsock connection.
std::uint32_t peer_cid(int fd)
{
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  auto* address = static_cast<void*>(&storage);
  if (::getpeername(fd, static_cast<sockaddr*>(address), &size) != 0) return 0;
  if (storage.ss_family != AF_VSOCK || size < sizeof(sockaddr_vm)) return 0;
  return static_cast<const sockaddr_vm*>(address)->svm_cid;
}

} // namespace

Result<std::unique_ptr<VsockListener>>
VsockListener::open(sys::Loop& loop, std::uint32_t guest_cid, Connected connected)
{
  sys::Fd fd = TRY(sys::listen_vsock(host_port).within("vsock port {}", host_port));
  TRY(sys::set_nonblocking(fd.get()));
  std::unique_ptr<VsockListener> listener{new VsockListener{loop, std::move(fd)}};
  const int number = listener->fd_.get();
  TRY(loop.watch(number, EPOLLIN, [number, guest_cid, connected](std::uint32_t) {
    auto peer = sys::accept_one(number);
    if (peer && peer_cid(peer->get()) == guest_cid) connected(std::move(*peer));
  }));
  return listener;
}

VsockListener::~VsockListener()
{
  loop_.forget(fd_.get());
}

} // namespace dstack::supervisor
