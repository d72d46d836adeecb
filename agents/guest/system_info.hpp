#pragma once
/// What the host may ask about the machine: SysInfo and NetworkInfo (spec guest 5).

#include "guestapi/system.hpp"

namespace dstack::guest {

/// The facts shown on the port for the world, with the disks of a dstack VM.
guestapi::SystemInfo system_facts();

codec::Json system_info();
codec::Json network_info();

} // namespace dstack::guest
