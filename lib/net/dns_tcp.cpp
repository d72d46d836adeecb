#include "net/dns_tcp.hpp"

#include "net/wait.hpp"

#include <cerrno>
#include <poll.h>
#include <sys/socket.h>

namespace dstack::net {

namespace {

constexpr std::size_t prefix_size = 2; // of a message's length

Status send_all(int fd, ByteView data, const sys::Deadline& deadline)
{
  while (!data.empty()) {
    TRY(wait_for(fd, POLLOUT, deadline));
    const ssize_t sent = ::send(fd, data.data(), data.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (sent < 0) return sys::errno_error("send");
    data = data.subspan(static_cast<std::size_t>(sent));
  }
  return ok();
}

Result<Bytes> receive(int fd, std::size_t size, const sys::Deadline& deadline)
{
  Bytes out;
  while (out.size() < size) {
    TRY(wait_for(fd, POLLIN, deadline));
    const Bytes piece = TRY(sys::read_some(fd, size - out.size()));
    if (piece.empty()) return fail(Errc::io, "the server closed the connection without an answer");
    out.insert(out.end(), piece.begin(), piece.end());
  }
  return out;
}

} // namespace

Result<Bytes> exchange_dns(int fd, ByteView message, std::chrono::milliseconds deadline)
{
  const sys::Deadline until{deadline};
  ByteWriter out;
  out.u16be(static_cast<std::uint16_t>(message.size())).put(message);
  TRY(send_all(fd, out.bytes(), until));
  const Bytes prefix = TRY(receive(fd, prefix_size, until));
  return receive(fd, TRY(ByteReader{prefix}.u16be()), until);
}

} // namespace dstack::net
