#include "proxy/leg.hpp"

#include <cerrno>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace dstack::proxy {

namespace {

// As recv and send, which in a program of several threads also open and close a window for each
// call in which the thread could be cancelled: a third of what a relayed message costs outside the
// kernel.

ssize_t receive_at_once(int fd, std::span<std::uint8_t> room)
{
  return ::syscall(SYS_recvfrom, fd, room.data(), room.size(), MSG_DONTWAIT, nullptr, nullptr);
}

ssize_t send_at_once(int fd, ByteView bytes)
{
  return ::syscall(SYS_sendto, fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL, nullptr,
                   0);
}

} // namespace

void Leg::close()
{
  if (watcher != nullptr) watcher->forget(*this);
  fd.reset();
}

void Leg::note(std::uint32_t events)
{
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) readable = true;
  if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) writable = true;
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) hung_up = true;
}

Io Leg::receive(std::span<std::uint8_t> room, std::size_t& count)
{
  ssize_t n = -1;
  do {
    n = receive_at_once(fd.get(), room);
  } while (n < 0 && errno == EINTR);
  if (n > 0) {
    count = static_cast<std::size_t>(n);
    // A short read has emptied the socket: the next bytes are a new edge (epoll(7)). Not so when an
    // end is announced, which is no edge any more.
    if (count < room.size() && !hung_up) readable = false;
    return Io::done;
  }
  readable = false;
  if (n == 0) return Io::ended;
  if (errno == EAGAIN) return Io::blocked;
  reset = true;
  return Io::failed;
}

Io Leg::send(ByteView bytes, std::size_t& count)
{
  ssize_t n = -1;
  do {
    n = send_at_once(fd.get(), bytes);
  } while (n < 0 && errno == EINTR);
  if (n >= 0) {
    count = static_cast<std::size_t>(n);
    if (count == bytes.size()) return Io::done;
    writable = false;
    return Io::blocked;
  }
  count = 0;
  writable = false;
  if (errno == EAGAIN) return Io::blocked;
  reset = true;
  return Io::failed;
}

void Leg::end_sending() const
{
  ::shutdown(fd.get(), SHUT_WR);
}

void Leg::reset_on_close() const
{
  const linger at_once{1, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

bool Leg::broken() const
{
  std::uint8_t none = 0;
  return ::recv(fd.get(), &none, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno != EAGAIN &&
         errno != EINTR;
}

bool Leg::has_unacknowledged() const
{
  tcp_info info{};
  socklen_t size = sizeof info;
  const bool gone = ::getsockopt(fd.get(), IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
                    info.tcpi_state == TCP_CLOSE; // and the count stays as it was
  int bytes = 0;
  return !gone && ::ioctl(fd.get(), SIOCOUTQ, &bytes) == 0 && bytes > 0;
}

} // namespace dstack::proxy
