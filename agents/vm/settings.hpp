#pragma once
/// What the starter may tune; the defaults are the product's.

#include "agents/launch/log_files.hpp"
#include "agents/vm/restart_budget.hpp"

namespace dstack::supervisor {

/// Where sealing keys come from when the TEE is real (spec host 1.18).
struct KeyProvider {
  std::string address = "127.0.0.1"; ///< numeric
  std::uint16_t port = 3443;
  /// `dstack`, which fetches the collateral of the provider's quotes; empty: no keys are proxied.
  std::filesystem::path collateral_program{};
};

struct Settings {
  RestartTimes restart{};
  launch::LogLimits logs{};
  std::chrono::milliseconds log_check{5'000};
  vm::ChannelKind channel = vm::ChannelKind::serial_port;
  KeyProvider key_provider{};
};

/// Unknown keys are an error: restart_first_ms restart_longest_ms restart_healthy_ms log_max_bytes
/// log_backups log_check_ms channel ("serial" | "vsock") key_provider ("ADDRESS:PORT")
/// collateral_program.
Result<Settings> parse_settings(const codec::Json& config);

} // namespace dstack::supervisor
