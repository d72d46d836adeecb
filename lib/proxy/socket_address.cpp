#include "proxy/socket_address.hpp"

#include <cstring>
#include <netinet/in.h>

namespace dstack::proxy {

SocketAddress socket_address(const route::Endpoint& of)
{
  SocketAddress out;
  const ByteView bytes = of.address.bytes();
  if (of.address.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(of.port);
    std::memcpy(&v4.sin_addr, bytes.data(), bytes.size());
    std::memcpy(&out.storage, &v4, sizeof v4);
    out.size = sizeof v4;
    return out;
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(of.port);
  std::memcpy(&v6.sin6_addr, bytes.data(), bytes.size());
  std::memcpy(&out.storage, &v6, sizeof v6);
  out.size = sizeof v6;
  return out;
}

std::optional<route::Endpoint> endpoint_of(const SocketAddress& address)
{
  if (address.storage.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &address.storage, sizeof v4);
    return route::Endpoint{route::Address::v4(ntohl(v4.sin_addr.s_addr)), ntohs(v4.sin_port)};
  }
  if (address.storage.ss_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &address.storage, sizeof v6);
    std::array<std::uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
    return route::Endpoint{route::Address::v6(bytes), ntohs(v6.sin6_port)};
  }
  return std::nullopt;
}

} // namespace dstack::proxy
