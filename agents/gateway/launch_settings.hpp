#pragma once
/// What the starter decides, on descriptor 3. Everything else is in DIR/gateway.toml.

#include "codec/json.hpp"

namespace dstack::gatewaynode {

struct LaunchSettings {
  std::string agent{};         ///< address of the guest agent, over gateway.toml's
  std::string simulated_tee{}; ///< directory of this machine's simulated TEE, for development
  std::string listen{};        ///< "ADDRESS:PORT" of registrations, over gateway.toml's
  std::vector<std::string> proxy_listen{}; ///< the same of the data plane
  std::string vms_directory{};             ///< VMs of this machine; empty: it is not looked for any
  bool wireguard = true;                   ///< false: none, whatever gateway.toml says
};

/// Unknown keys are refused.
Result<LaunchSettings> launch_settings(const codec::Json& config);

} // namespace dstack::gatewaynode
