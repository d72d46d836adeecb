#pragma once
/// DNS records by dynamic update (RFC 2136) of the zone's primary server.

#include "certs/dns_provider.hpp"

namespace dstack::certs {

/// "host:53" and what may be left out of it. Errc::config.
struct ServerName {
  std::string host{}; ///< without brackets
  std::uint16_t port = 53;
};
Result<ServerName> parse_server(std::string_view text);

Result<std::unique_ptr<DnsProvider>>
make_dynamic_update(const DynamicUpdateSettings& settings, const DnsSettings& common, World world);

} // namespace dstack::certs
