#pragma once
/// Non-blocking TCP over IPv4 and one epoll, as the load tools need them.

#include "base/bytes.hpp"
#include "sys/fd.hpp"

#include <netinet/in.h>
#include <sys/epoll.h>

namespace dstack::gateway_load {

/// "127.0.0.1:443"
Result<sockaddr_in> tcp_address(std::string_view text);
std::string text_of(const sockaddr_in& address);

Result<sys::Fd> listen_at(const sockaddr_in& address);
Result<sockaddr_in> local_address(int listener);
/// The next connection, ready to be used without blocking; none is an empty Fd.
sys::Fd accept_next(int listener);

/// A connection being made, from that address (host order; 0: any). More than one, as one address
/// has about 28,000 ports.
Result<sys::Fd> connect_to(const sockaddr_in& to, std::uint32_t from = 0);
/// Closes at once and leaves nothing behind in the kernel (no TIME_WAIT): the peer sees a reset.
void abort_connection(sys::Fd fd);

/// What one send or receive came to.
enum class Io { some, blocked, ended, failed };
struct Moved {
  Io how = Io::failed;
  std::size_t bytes = 0;
};
Moved send_some(int fd, ByteView bytes);
Moved receive_some(int fd, std::span<std::uint8_t> into);
/// Takes bytes from the kernel without copying them here.
Moved discard_some(int fd);

class Epoll {
public:
  static Result<Epoll> create();
  Status add(int fd, std::uint32_t events, void* what);
  void change(int fd, std::uint32_t events, void* what);
  /// The events that are there now or within wait_ms.
  std::span<const epoll_event> wait(int wait_ms);

private:
  explicit Epoll(sys::Fd fd) : fd_(std::move(fd)), ready_(512) {}
  sys::Fd fd_;
  std::vector<epoll_event> ready_;
};

} // namespace dstack::gateway_load
