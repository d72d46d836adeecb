#pragma once
/// IP addresses in figures, as texts (without brackets, port or zone), and names that stand for one.

#include <string>
#include <string_view>

namespace dstack {

bool is_ipv4_address(std::string_view text);
/// IPv4 or IPv6.
bool is_ip_address(std::string_view text);
/// localhost and what is below it, in any case: this machine, whatever DNS says (RFC 6761, 6.3).
bool is_localhost(std::string_view name);

/// What one customer of a network commonly holds: the IPv4 address itself, or the first 64 bits of
/// an IPv6 address (RFC 6177). Any other text is its own network.
std::string network_of(const std::string& address);

} // namespace dstack
