#pragma once
/// Addresses and routes through the kernel's socket interface: no `ip` program in the image.

#include "guest/sys_config.hpp"

namespace dstack::guest {

Status bring_up_loopback();

/// The first Ethernet-like interface gets the address, the default route and /run/resolv.conf.
Status configure_network(const NetworkConfig& config);

Status set_hostname(const std::string& name);

} // namespace dstack::guest
