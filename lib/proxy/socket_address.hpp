#pragma once
/// Endpoints as the socket calls have them.

#include "route/ip.hpp"

#include <optional>
#include <sys/socket.h>

namespace dstack::proxy {

struct SocketAddress {
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
};

SocketAddress socket_address(const route::Endpoint& of);
/// Nothing for anything but IPv4 and IPv6.
std::optional<route::Endpoint> endpoint_of(const SocketAddress& address);

} // namespace dstack::proxy
