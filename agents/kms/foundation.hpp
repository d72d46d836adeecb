#pragma once
/// What serving and joining both stand on: settings, policy, our guest agent, and what judges
/// evidence.

#include "agents/kms/judge.hpp"
#include "agents/kms/launch_settings.hpp"
#include "agents/kms/policy_file.hpp"
#include "base/secret.hpp"
#include "fetch/prover.hpp"
#include "guestclient/guest_agent.hpp"
#include "kms/settings.hpp"

namespace dstack::kmsnode {

using guestclient::GuestAgent;

/// What to do about a machine without a guest agent.
inline constexpr std::string_view without_agent =
    "A KMS attests itself like any app: run it in a VM ('dstack kms deploy'), or with 'dstack kms "
    "run', which plays one for development";

/// Where a KMS lives and what its starter says.
struct NodeOptions {
  sys::fs::path directory{};
  LaunchSettings launch{};
  std::function<std::string(const char*)> environment{};

  sys::fs::path below(const std::string& path) const { return directory / path; }
};

struct Foundation {
  NodeOptions options{};
  kms::Settings settings{};
  LoadedPolicy policy{};
  GuestAgent agent;
  std::shared_ptr<fetch::Prover> prover{};
};
/// With the root and collateral of a simulated TEE as they are on disk now.
Result<std::shared_ptr<fetch::Prover>> make_prover(const NodeOptions& options,
                                                   const kms::CollateralSettings& settings);
/// Reads DIR/kms.toml and the policy.
Result<Foundation> lay_foundation(NodeOptions options);

/// The passphrase from a file that nobody else can read; empty when none is named.
Result<SecretBytes> read_passphrase(const Foundation& on);

} // namespace dstack::kmsnode
