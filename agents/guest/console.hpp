#pragma once
/// Lines on the console: what stage the boot is in, when, and why it stopped.

#include "base/result.hpp"

namespace dstack::guest {

inline constexpr const char* guest_name = "dstack-guest";

/// Seconds since the kernel started.
double uptime_seconds();

/// "dstack-guest 12.34 data disk mounted": one line per stage, with the uptime.
void console_stage(std::string_view program, std::string_view text);

/// Prints "program: text", waits until the console has taken it, and turns the machine off.
[[noreturn]] void power_off_saying(std::string_view program, std::string_view text);
[[noreturn]] void power_off();

} // namespace dstack::guest
