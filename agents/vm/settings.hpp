#pragma once
/// What the starter may tune; the defaults are the product's.

#include "agents/launch/log_files.hpp"
#include "agents/vm/restart_budget.hpp"

namespace dstack::supervisor {

struct Settings {
  RestartTimes restart{};
  launch::LogLimits logs{};
  std::chrono::milliseconds log_check{5'000};
  vm::ChannelKind channel = vm::ChannelKind::serial_port;
};

/// Unknown keys are an error: restart_first_ms restart_longest_ms restart_healthy_ms log_max_bytes
/// log_backups log_check_ms channel ("serial" | "vsock").
Result<Settings> parse_settings(const codec::Json& config);

} // namespace dstack::supervisor
