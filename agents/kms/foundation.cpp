#include "agents/kms/foundation.hpp"

#include "fetch/service_prover.hpp"
#include "sys/secret_files.hpp"
#include "tee/sim_trust.hpp"

namespace dstack::kmsnode {

Result<std::shared_ptr<fetch::Prover>> make_prover(const NodeOptions& options,
                                                   const kms::CollateralSettings& settings)
{
  fetch::ProverOptions out;
  out.directory = options.below(settings.directory);
  out.pccs_url = settings.pccs_url;
  out.kds_url = settings.kds_url;
  out.network = settings.offline ? fetch::Network::offline : fetch::Network::online;
  const std::string& simulated =
      options.launch.simulated_tee.empty() ? settings.simulated_tee : options.launch.simulated_tee;
  if (!simulated.empty()) {
    auto trust = TRY(tee::read_sim_trust(options.below(simulated)).within("simulated TEE"));
    if (trust) out.simulated = {std::move(trust->root), std::move(trust->collateral)};
  }
  return fetch::make_prover(out);
}

Result<Foundation> lay_foundation(NodeOptions options)
{
  const std::string text = TRY(sys::read_text(options.below("kms.toml"), kms::max_settings));
  auto settings =
      TRY(kms::settings_from_toml(text, "kms.toml").within("{}", options.directory.string()));
  const std::string& set = options.launch.agent.empty() ? settings.agent : options.launch.agent;
  auto agent =
      TRY(GuestAgent::at(TRY(guestclient::agent_address(set, options.environment, without_agent))));
  auto policy = TRY(load_policy(options.below(settings.policy_file)));
  auto prover = TRY(make_prover(options, settings.collateral));
  return Foundation{std::move(options), std::move(settings), std::move(policy), std::move(agent),
                    std::move(prover)};
}

Result<SecretBytes> read_passphrase(const Foundation& on)
{
  const LaunchSettings& launch = on.options.launch;
  const std::string& named =
      launch.passphrase_file.empty() ? on.settings.passphrase_file : launch.passphrase_file;
  if (named.empty()) return SecretBytes{};
  return sys::read_passphrase(on.options.below(named));
}

} // namespace dstack::kmsnode
