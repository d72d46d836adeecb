#include "fetch/service_prover.hpp"

#include "fetch/service_url.hpp"

namespace dstack::fetch {

namespace {

constexpr std::chrono::milliseconds service_timeout{15'000};
constexpr std::string_view intel_service = "https://api.trustedservices.intel.com";
constexpr std::string_view amd_service = "https://kdsintf.amd.com";

Result<ServiceOptions>
service_options(Network network, const std::string& set, std::string_view usual)
{
  ServiceOptions out;
  out.base = TRY(service_base(set.empty() ? usual : set).within("[collateral]"));
  out.network = network;
  out.timeout = service_timeout;
  return out;
}

} // namespace

Result<std::shared_ptr<Prover>> make_prover(const ProverOptions& options)
{
  const CollateralCache cache{options.directory};
  Prover::Roots roots;
  CollateralShelf::Sources sources;
  sources.anchor = roots.vendor;
  sources.service = PcsSource{
      cache, TRY(service_options(options.network, options.pccs_url, intel_service)), roots.vendor};
  sources.kds =
      KdsSource{cache, TRY(service_options(options.network, options.kds_url, amd_service)),
                snp::amd_anchors()};
  if (options.simulated) {
    roots.simulated = TRY(dcap::Anchor::from_file(options.simulated->root).within("simulated TEE"));
    sources.simulated =
        TRY(dcap::collateral_from_json(options.simulated->collateral).within("simulated TEE"));
  }
  return std::make_shared<Prover>(std::make_shared<CollateralShelf>(std::move(sources)),
                                  std::move(roots));
}

} // namespace dstack::fetch
