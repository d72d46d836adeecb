#pragma once
/// The PROXY protocol (W. Tarreau, "The PROXY protocol, versions 1 & 2", 2020/03/05): who is behind
/// the proxy that connected. Reading is a function of the bytes so far; nothing is kept.

#include "route/ip.hpp"

#include <optional>
#include <variant>

namespace dstack::route {

inline constexpr std::size_t max_proxy_v1 = 107;  ///< with its CRLF (section 2.1)
inline constexpr std::size_t max_proxy_v2 = 2048; ///< with all its TLVs

struct ProxyAddresses {
  Endpoint source{};
  Endpoint destination{};
  bool operator==(const ProxyAddresses&) const = default;
};

struct ProxyHeader {
  enum class Version { v1, v2 } version = Version::v2;
  /// Absent: the proxy speaks for itself (LOCAL) or does not know (UNKNOWN, UNSPEC, unix sockets):
  /// then the connection's own addresses count.
  std::optional<ProxyAddresses> addresses{};
  std::size_t size = 0; ///< bytes of the header; what follows is the client's

  bool operator==(const ProxyHeader&) const = default;
};

struct ProxyNeedMore {
  bool operator==(const ProxyNeedMore&) const = default;
};
struct ProxyRefusal {
  std::string reason{};
  bool operator==(const ProxyRefusal&) const = default;
};
using ProxyOutcome = std::variant<ProxyNeedMore, ProxyHeader, ProxyRefusal>;

/// Looks at the first bytes of a connection, all that are there. Refuses as soon as they cannot
/// become a header; more bytes never change a header or a refusal.
ProxyOutcome read_proxy_header(ByteView so_far);

/// A header for the next hop. Version 1 has no LOCAL: without addresses it says UNKNOWN, and for
/// addresses of two families, too.
Bytes write_proxy_header(ProxyHeader::Version version,
                         const std::optional<ProxyAddresses>& addresses);

/// Whose headers are believed. Anybody else must begin with TLS at once.
struct ProxyTrust {
  std::vector<Network> peers{};
};
enum class ProxyExpectation { required, none };
ProxyExpectation expect_proxy_header(const ProxyTrust& trust, const Address& peer);

} // namespace dstack::route
