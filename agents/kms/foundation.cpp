#include "agents/kms/foundation.hpp"

#include "fetch/service_url.hpp"
#include "sys/secret_files.hpp"
#include "tee/sim_trust.hpp"

namespace dstack::kmsnode {

namespace {

constexpr std::chrono::milliseconds service_timeout{15'000};
constexpr std::string_view intel_service = "https://api.trustedservices.intel.com";
constexpr std::string_view amd_service = "https://kdsintf.amd.com";

Result<fetch::ServiceOptions> service_options(const kms::CollateralSettings& settings,
                                              const std::string& set,
                                              std::string_view usual)
{
  fetch::ServiceOptions out;
  out.base = TRY(fetch::service_base(set.empty() ? usual : set).within("[collateral]"));
  out.network = settings.offline ? fetch::Network::offline : fetch::Network::online;
  out.timeout = service_timeout;
  return out;
}

} // namespace

Result<std::shared_ptr<fetch::Prover>> make_prover(const NodeOptions& options,
                                                   const kms::CollateralSettings& settings)
{
  const fetch::CollateralCache cache{options.below(settings.directory)};
  fetch::Prover::Roots roots;
  fetch::CollateralShelf::Sources sources;
  sources.anchor = roots.vendor;
  sources.service = fetch::PcsSource{
      cache, TRY(service_options(settings, settings.pccs_url, intel_service)), roots.vendor};
  sources.kds = fetch::KdsSource{
      cache, TRY(service_options(settings, settings.kds_url, amd_service)), snp::amd_anchors()};
  const std::string& simulated =
      options.launch.simulated_tee.empty() ? settings.simulated_tee : options.launch.simulated_tee;
  if (!simulated.empty()) {
    const auto trust = TRY(tee::read_sim_trust(options.below(simulated)).within("simulated TEE"));
    if (trust) {
      roots.simulated = TRY(dcap::Anchor::from_file(trust->root).within("simulated TEE"));
      sources.simulated =
          TRY(dcap::collateral_from_json(trust->collateral).within("simulated TEE"));
    }
  }
  return std::make_shared<fetch::Prover>(
      std::make_shared<fetch::CollateralShelf>(std::move(sources)), std::move(roots));
}

Result<Foundation> lay_foundation(NodeOptions options)
{
  const std::string text = TRY(sys::read_text(options.below("kms.toml"), kms::max_settings));
  auto settings =
      TRY(kms::settings_from_toml(text, "kms.toml").within("{}", options.directory.string()));
  const std::string& set = options.launch.agent.empty() ? settings.agent : options.launch.agent;
  auto agent = TRY(GuestAgent::at(TRY(agent_address(set, options.environment))));
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
