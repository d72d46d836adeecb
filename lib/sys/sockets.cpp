#include "sys/sockets.hpp"

#include "sys/clock.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

// The kernel's header, after <sys/socket.h>.
#include <linux/vm_sockets.h>

namespace dstack::sys {

namespace {

constexpr int backlog = 1024; ///< the kernel has its own limit, net.core.somaxconn

/// Any of the kernel's address types, as the calls want it.
struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  const sockaddr* get() const
  {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the socket API's own shape.
    return reinterpret_cast<const sockaddr*>(&storage);
  }
  sockaddr* get()
  {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): as above.
    return reinterpret_cast<sockaddr*>(&storage);
  }
  template <class T> T as() const
  {
    T out{};
    std::memcpy(&out, &storage, sizeof out);
    return out;
  }
};

Result<std::uint16_t> port_of(const Address& address)
{
  if (address.storage.ss_family == AF_INET6) return ntohs(address.as<sockaddr_in6>().sin6_port);
  if (address.storage.ss_family == AF_INET) return ntohs(address.as<sockaddr_in>().sin_port);
  return fail(Errc::unsupported, "a socket without port");
}

template <class T> Address address_of(const T& specific, std::size_t size)
{
  Address out;
  std::memcpy(&out.storage, &specific, sizeof specific);
  out.size = static_cast<socklen_t>(size);
  return out;
}

Result<Fd> stream_socket(int family)
{
  Fd fd{::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (!fd) return errno_error("socket");
  return fd;
}

/// Holds the directory open while the short /proc path to it is in use.
struct UnixName {
  Fd directory;
  Address address;
};

Result<UnixName> unix_name(const fs::path& path)
{
  const fs::path parent = path.has_parent_path() ? path.parent_path() : fs::path{"."};
  UnixName out;
  out.directory = Fd{::open(parent.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!out.directory) return errno_error(fmt::format("open {}", parent.string()));
  const std::string name =
      fmt::format("/proc/self/fd/{}/{}", out.directory.get(), path.filename().string());
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (name.size() >= sizeof address.sun_path)
    return fail(Errc::io, "socket name {} is too long", path.filename().string());
  std::memcpy(address.sun_path, name.data(), name.size());
  out.address = address_of(address, sizeof address);
  return out;
}

Result<Address> tcp_address(const std::string& address, std::uint16_t port)
{
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  if (::inet_pton(AF_INET, address.c_str(), &v4.sin_addr) == 1) return address_of(v4, sizeof v4);
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  if (::inet_pton(AF_INET6, address.c_str(), &v6.sin6_addr) == 1) return address_of(v6, sizeof v6);
  return fail(Errc::malformed, "'{}' is not an IP address", address);
}

Address vsock_address(std::uint32_t cid, std::uint32_t port)
{
  sockaddr_vm address{};
  address.svm_family = AF_VSOCK;
  address.svm_cid = cid;
  address.svm_port = port;
  return address_of(address, sizeof address);
}

Result<Fd> bound(const Address& address, const std::string& shown)
{
  Fd fd = TRY(stream_socket(address.storage.ss_family));
  const int on = 1;
  if (address.storage.ss_family == AF_INET || address.storage.ss_family == AF_INET6)
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(fd.get(), address.get(), address.size) != 0)
    return errno_error(fmt::format("listen on {}", shown));
  if (::listen(fd.get(), backlog) != 0) return errno_error(fmt::format("listen on {}", shown));
  return fd;
}

Result<Fd> connected(const Address& address, const std::string& shown)
{
  Fd fd = TRY(stream_socket(address.storage.ss_family));
  while (::connect(fd.get(), address.get(), address.size) != 0)
    if (errno != EINTR) return errno_error(fmt::format("connect to {}", shown));
  return fd;
}

Result<bool> writable_within(int fd, const Deadline& deadline)
{
  constexpr std::int64_t longest_ms = 3'600'000;
  while (true) {
    pollfd wait{fd, POLLOUT, 0};
    const int ready =
        ::poll(&wait, 1, static_cast<int>(std::min(deadline.left().count(), longest_ms)));
    if (ready >= 0) return ready > 0;
    if (errno != EINTR) return errno_error("poll");
  }
}

} // namespace

Result<Fd> listen_unix(const fs::path& path, unsigned mode)
{
  const UnixName name = TRY(unix_name(path));
  ::unlink(path.c_str());
  Fd fd = TRY(bound(name.address, path.string()));
  if (::chmod(path.c_str(), static_cast<mode_t>(mode)) != 0)
    return errno_error(fmt::format("chmod {}", path.string()));
  return fd;
}

Result<Fd> connect_unix(const fs::path& path)
{
  const UnixName name = TRY(unix_name(path));
  return connected(name.address, path.string());
}

Result<Fd> connect_unix_at_once(const fs::path& path)
{
  const UnixName name = TRY(unix_name(path));
  Fd fd = TRY(stream_socket(AF_UNIX));
  TRY(set_nonblocking(fd.get()));
  if (::connect(fd.get(), name.address.get(), name.address.size) != 0)
    return errno_error(fmt::format("connect to {}", path.string()));
  return fd;
}

Result<Fd> listen_tcp(const std::string& address, std::uint16_t port)
{
  return bound(TRY(tcp_address(address, port)), fmt::format("{}:{}", address, port));
}

Result<Fd>
connect_tcp(const std::string& address, std::uint16_t port, std::chrono::milliseconds deadline)
{
  const Address to = TRY(tcp_address(address, port));
  const std::string shown = fmt::format("connect to {}:{}", address, port);
  Fd fd = TRY(stream_socket(to.storage.ss_family));
  TRY(set_nonblocking(fd.get()));
  if (::connect(fd.get(), to.get(), to.size) != 0) {
    if (errno != EINPROGRESS) return errno_error(shown);
    if (!TRY(writable_within(fd.get(), Deadline{deadline})))
      return fail(Errc::timeout, "{}: no answer within {} ms", shown, deadline.count());
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return errno_error(shown, error);
  }
  const int flags = ::fcntl(fd.get(), F_GETFL);
  if (::fcntl(fd.get(), F_SETFL, flags & ~O_NONBLOCK) != 0) return errno_error("fcntl");
  return fd;
}

Result<std::uint16_t> local_port(int fd)
{
  Address address;
  address.size = sizeof address.storage;
  if (::getsockname(fd, address.get(), &address.size) != 0) return errno_error("getsockname");
  return port_of(address);
}

Result<std::uint16_t> peer_port(int fd)
{
  Address address;
  address.size = sizeof address.storage;
  if (::getpeername(fd, address.get(), &address.size) != 0) return errno_error("getpeername");
  return port_of(address);
}

std::string peer_address(int fd)
{
  Address address;
  address.size = sizeof address.storage;
  if (::getpeername(fd, address.get(), &address.size) != 0) return {};
  const sockaddr_in v4 = address.as<sockaddr_in>();
  const sockaddr_in6 v6 = address.as<sockaddr_in6>();
  std::array<char, INET6_ADDRSTRLEN> text{};
  constexpr std::size_t mapped_prefix = 12; // ::ffff:0:0/96
  const void* shown = nullptr;
  int family = address.storage.ss_family;
  if (family == AF_INET) shown = &v4.sin_addr;
  if (family == AF_INET6) shown = &v6.sin6_addr;
  if (family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
    family = AF_INET;
    shown = &v6.sin6_addr.s6_addr[mapped_prefix];
  }
  if (shown == nullptr || ::inet_ntop(family, shown, text.data(), text.size()) == nullptr)
    return {};
  return text.data();
}

Result<Fd> listen_vsock(std::uint32_t port)
{
  return bound(vsock_address(VMADDR_CID_ANY, port), fmt::format("vsock port {}", port));
}

Result<Fd> connect_vsock(std::uint32_t cid, std::uint32_t port)
{
  return connected(vsock_address(cid, port), fmt::format("vsock {}:{}", cid, port));
}

Result<Fd> accept_one(int listener)
{
  while (true) {
    Fd fd{::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)};
    if (fd) return fd;
    if (errno != EINTR && errno != ECONNABORTED) return errno_error("accept");
  }
}

Result<std::uint16_t> free_port(const std::string& address)
{
  const Fd fd = TRY(listen_tcp(address, 0));
  return local_port(fd.get());
}

} // namespace dstack::sys
