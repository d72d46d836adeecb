#pragma once
/// The ways out: after an orderly end of the app, or at once.

#include "guest/app.hpp"
#include "guest/host_link.hpp"

namespace dstack::guest {

/// Stops the app and the daemons, closes the data disk, turns the machine off.
[[noreturn]] void
shut_down(HostLink& host, Processes& processes, Runtime& runtime, const AppFiles& app);

/// Ends every process, unmounts what it can and turns the machine off.
[[noreturn]] void power_off_now();

} // namespace dstack::guest
