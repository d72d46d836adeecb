#pragma once
/// A KMS as an app: the compose file that carries its settings, its policy and its custodians into
/// what is measured (agents/kms/deployment.hpp reads it there).

#include "cli/deploy/app.hpp"
#include "kms/settings.hpp"
#include "tee/sim_trust.hpp"

namespace dstack::cli {

struct KmsDeployment {
  std::string image{}; ///< pinned
  kms::Settings settings{};
  std::string policy{}; ///< text
  std::vector<std::string> custodians{}; ///< NAME=KEY
  std::uint64_t threshold = 0;
  std::string join{}; ///< URL; empty for a new root
  std::optional<tee::SimTrust> simulated{};
};

/// Settings that suit a VM behind this host's port forwarding: it listens everywhere on that port,
/// and all callers come from one address.
kms::Settings settings_in_vm(const std::vector<std::string>& domains);

/// The compose file.
std::string kms_compose(const KmsDeployment& deployment);

/// The whole app, with its image from that OCI layout. What the deployment says of the image is
/// filled in.
Result<App> kms_app(KmsDeployment deployment, const sys::fs::path& layout);

} // namespace dstack::cli
