#pragma once
/// A KMS in a VM: what `dstack kms deploy` wrote into the compose file. That file is measured, so
/// whoever judges this KMS by its evidence judges its settings, its policy and its custodians, too.

#include "agents/kms/foundation.hpp"
#include "tee/sim_trust.hpp"

namespace dstack::kmsnode {

struct Deployment {
  std::string settings{}; ///< kms.toml
  std::string policy{};   ///< policy.toml
  /// Each as vault::parse_custodian reads it, with the key that the share is sealed to.
  std::vector<std::string> custodians{};
  std::uint64_t threshold = 0;
  std::string join{}; ///< URL of the KMS whose root is taken over; empty: a new root
  std::optional<tee::SimTrust> simulated{};
};

/// From DSTACK_KMS_SETTINGS, DSTACK_KMS_POLICY, DSTACK_KMS_ROOT and DSTACK_KMS_SIMULATED_TEE;
/// nothing when the first is not set.
Result<std::optional<Deployment>>
read_deployment(const std::function<std::string(const char*)>& environment);

/// Writes settings and policy below the directory, whatever is there, and completes launch. The
/// policy gets our own mr_aggregated: it cannot state what it is itself a part of.
Status put_in_place(const Deployment& deployment, NodeOptions& options);

/// A root, unless there is one: made here, or taken over. It is sealed when this returns; the
/// shares lie below the directory, each readable for its custodian alone.
Status ensure_root(Foundation& on, const std::string& join_url);

inline constexpr const char* shares_directory = "shares";

} // namespace dstack::kmsnode
