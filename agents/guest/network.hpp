#pragma once
/// Addresses and routes through the kernel's socket interface: no `ip` program in the image.

#include "guest/sys_config.hpp"

namespace dstack::guest {

Status bring_up_loopback();

/// The first Ethernet-like interface gets the address, the default route and /run/resolv.conf.
Status configure_network(const NetworkConfig& config);

/// The second and further interfaces get their addresses, no routes beyond their networks.
Status configure_more_networks(const std::vector<std::optional<NetworkConfig>>& configs);

/// The interface gets this IPv4 address, without a network around it, in place of the one it had.
Status set_host_address(const std::string& interface, const std::string& address);

enum class Route { add, remove };
/// To one IPv4 address through the interface; fine when it is there, or gone, already.
Status change_route(const std::string& interface, const std::string& host, Route change);

Status set_hostname(const std::string& name);

} // namespace dstack::guest
