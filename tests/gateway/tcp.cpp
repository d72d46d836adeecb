#include "tcp.hpp"

#include "base/text.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace dstack::gateway_load {

namespace {

constexpr int backlog = 4096;

void no_delay(int fd)
{
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

const sockaddr* generic(const sockaddr_in& address)
{
  return reinterpret_cast<const sockaddr*>(&address); // the socket API's own shape
}

Result<sys::Fd> stream_socket()
{
  sys::Fd fd{::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!fd) return sys::errno_error("socket");
  return fd;
}

Moved moved(ssize_t result)
{
  if (result > 0) return {Io::some, static_cast<std::size_t>(result)};
  if (result == 0) return {Io::ended, 0};
  return {errno == EAGAIN || errno == EINTR ? Io::blocked : Io::failed, 0};
}

} // namespace

Result<sockaddr_in> tcp_address(std::string_view text)
{
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return fail(Errc::usage, "{}: no port", text);
  const std::uint64_t port = TRY(parse_u64(text.substr(colon + 1)).within("{}", text));
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(static_cast<std::uint16_t>(port));
  const std::string host{text.substr(0, colon)};
  if (port > 0xffff || ::inet_pton(AF_INET, host.c_str(), &out.sin_addr) != 1)
    return fail(Errc::usage, "{}: want an IPv4 address and a port", text);
  return out;
}

std::string text_of(const sockaddr_in& address)
{
  const std::uint32_t host = ntohl(address.sin_addr.s_addr);
  return fmt::format("{}.{}.{}.{}:{}", host >> 24U, host >> 16U & 0xffU, host >> 8U & 0xffU,
                     host & 0xffU, ntohs(address.sin_port));
}

Result<sys::Fd> listen_at(const sockaddr_in& address)
{
  sys::Fd fd = TRY(stream_socket());
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(fd.get(), generic(address), sizeof address) != 0 || ::listen(fd.get(), backlog) != 0)
    return sys::errno_error("listen at " + text_of(address));
  return fd;
}

Result<sockaddr_in> local_address(int listener)
{
  sockaddr_in out{};
  socklen_t size = sizeof out;
  if (::getsockname(listener, reinterpret_cast<sockaddr*>(&out), &size) != 0)
    return sys::errno_error("getsockname");
  return out;
}

sys::Fd accept_next(int listener)
{
  sys::Fd fd{::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
  if (fd) no_delay(fd.get());
  return fd;
}

Result<sys::Fd> connect_to(const sockaddr_in& to, std::uint32_t from)
{
  sys::Fd fd = TRY(stream_socket());
  no_delay(fd.get());
  if (from != 0) {
    sockaddr_in own{};
    own.sin_family = AF_INET;
    own.sin_addr.s_addr = htonl(from);
    const int on = 1; // a port for this connection only, not for the address
    ::setsockopt(fd.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (::bind(fd.get(), generic(own), sizeof own) != 0)
      return sys::errno_error("bind " + text_of(own));
  }
  if (::connect(fd.get(), generic(to), sizeof to) != 0 && errno != EINPROGRESS)
    return sys::errno_error("connect to " + text_of(to));
  return fd;
}

void abort_connection(sys::Fd fd)
{
  const linger at_once{1, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

Moved send_some(int fd, ByteView bytes)
{
  return moved(::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL));
}

Moved receive_some(int fd, std::span<std::uint8_t> into)
{
  return moved(::recv(fd, into.data(), into.size(), 0));
}

Moved discard_some(int fd)
{
  constexpr std::size_t at_most = std::size_t{4} << 20U;
  return moved(::recv(fd, nullptr, at_most, MSG_TRUNC));
}

Result<Epoll> Epoll::create()
{
  sys::Fd fd{::epoll_create1(EPOLL_CLOEXEC)};
  if (!fd) return sys::errno_error("epoll_create1");
  return Epoll{std::move(fd)};
}

Status Epoll::add(int fd, std::uint32_t events, void* what)
{
  epoll_event event{};
  event.events = events;
  event.data.ptr = what;
  if (::epoll_ctl(fd_.get(), EPOLL_CTL_ADD, fd, &event) != 0) return sys::errno_error("epoll_ctl");
  return ok();
}

void Epoll::change(int fd, std::uint32_t events, void* what)
{
  epoll_event event{};
  event.events = events;
  event.data.ptr = what;
  ::epoll_ctl(fd_.get(), EPOLL_CTL_MOD, fd, &event);
}

std::span<const epoll_event> Epoll::wait(int wait_ms)
{
  const int n = ::epoll_wait(fd_.get(), ready_.data(), static_cast<int>(ready_.size()), wait_ms);
  return std::span{ready_}.first(static_cast<std::size_t>(n < 0 ? 0 : n));
}

} // namespace dstack::gateway_load
