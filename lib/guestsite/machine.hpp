#pragma once
/// The facts of the machine this runs on, from /proc, /etc and the kernel.

#include "guestapi/system.hpp"

namespace dstack::guestsite {

/// disks: mount points to report; what is not there is left out.
guestapi::SystemInfo read_system(std::vector<std::string> disks);

/// Runs `wg` when there is one, for at most two seconds.
guestapi::NetworkInfo read_network();

} // namespace dstack::guestsite
