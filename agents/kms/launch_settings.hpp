#pragma once
/// What the starter decides, on descriptor 3: where this machine's guest agent is, where secrets
/// are read from. Everything else is in DIR/kms.toml.

#include "codec/json.hpp"

namespace dstack::kmsnode {

struct LaunchSettings {
  std::string agent{};           ///< address of the guest agent, over kms.toml's
  std::string passphrase_file{}; ///< over kms.toml's
  std::string simulated_tee{}; ///< directory of this machine's simulated TEE; its root counts when
                               ///< the policy allows simulated evidence
  std::string listen{};        ///< "ADDRESS:PORT", over kms.toml's
  /// Of a join with custodians, each as vault::parse_custodian reads it.
  std::vector<std::string> custodians{};
  std::uint64_t threshold = 0;
  std::string shares_directory{};
};

/// Unknown keys are refused.
Result<LaunchSettings> launch_settings(const codec::Json& config);

} // namespace dstack::kmsnode
