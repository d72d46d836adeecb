#pragma once
/// VMs of this machine, reached through the ports that their supervisors forward: what there is
/// without WireGuard.

#include "route/ip.hpp"
#include "sys/files.hpp"

#include <map>

namespace dstack::gatewaynode {

/// A VM's ports, and where each is.
using Forwards = std::map<std::uint16_t, route::Endpoint>;

/// By instance id, of the VMs in that directory (…/dstack/vms) that say theirs and run. Errors are
/// those of reading the directory; damaged VMs are passed over.
Result<std::map<std::string, Forwards>> read_local_vms(const sys::fs::path& directory);

/// "80>127.0.0.1:40080, 443>127.0.0.1:40443"
std::string text_of(const Forwards& forwards);

} // namespace dstack::gatewaynode
