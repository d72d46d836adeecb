#pragma once
/// RegisterCvm (spec gateway 3, 7): what a VM tells a gateway, and the answer, read from the bytes
/// that came: sizes bounded, every member of the kind it must be.

#include "route/ip.hpp"
#include "route/port_policy.hpp"
#include "route/wireguard.hpp"

namespace dstack::gatewayclient {

inline constexpr std::size_t max_answer = std::size_t{64} << 10U;
/// Nodes of one gateway; upstream's addressing plan has four (spec gateway 19).
inline constexpr std::size_t max_servers = 16;

using WgKey = std::array<std::uint8_t, 32>;

/// JSON text of the request. A policy is always reported: an open one, too, is known.
std::string registration_request(const WgKey& public_key, const route::PortPolicy& policy);

/// A node of the gateway in the WireGuard network.
struct Server {
  WgKey public_key{};
  route::Address address{}; ///< IPv4, in the network
  std::string host{};       ///< of its endpoint: a numeric address or a name
  std::uint16_t port = 0;
  bool operator==(const Server&) const = default;
};

struct Registration {
  route::Address client{};         ///< IPv4 of this VM in the network; says nothing without servers
  std::vector<Server> servers{};   ///< by key; none: there is no tunnel, the gateway has other ways
  std::string domain{};            ///< apps are <id>[-<port>].<domain>; "" when there is none yet
  std::uint16_t external_port = 0; ///< of these names; 0 without a domain
  bool operator==(const Registration&) const = default;
};
Result<Registration> parse_registration(std::string_view body);

} // namespace dstack::gatewayclient
