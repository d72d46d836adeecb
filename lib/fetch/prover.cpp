#include "fetch/prover.hpp"

namespace dstack::fetch {

Prover::Verifiers::Verifiers(const Roots& roots) : vendor(roots.vendor)
{
  if (roots.simulated) simulated.emplace(*roots.simulated);
}

Prover::Prover(std::shared_ptr<CollateralShelf> shelf, Roots roots)
    : shelf_(std::move(shelf)), roots_(std::move(roots))
{
}

std::unique_ptr<Prover::Verifiers> Prover::borrow()
{
  const std::lock_guard lock{mutex_};
  if (idle_.empty()) return std::make_unique<Verifiers>(roots_);
  auto out = std::move(idle_.back());
  idle_.pop_back();
  return out;
}

void Prover::give_back(std::unique_ptr<Verifiers> verifiers)
{
  const std::lock_guard lock{mutex_};
  idle_.push_back(std::move(verifiers));
}

Prover::Brought Prover::bring(const attest::Evidence& evidence, bool simulated, Time at)
{
  Brought out;
  const attest::Attestation& a = evidence.attestation;
  if (a.platform == attest::Platform::amd_sev_snp) {
    const auto report = snp::parse_report(a.quote);
    if (!report) return out;
    auto found = shelf_->certificates_for(*report, at);
    if (found)
      out.certificates = *std::move(found);
    else
      out.missing = found.error();
    return out;
  }
  const auto quote = dcap::parse_quote(a.quote);
  if (!quote) return out;
  auto found = shelf_->collateral_for(*quote, simulated, at);
  if (found)
    out.collateral = *std::move(found);
  else
    out.missing = found.error();
  return out;
}

Result<verify::Proven> Prover::prove(const attest::Evidence& evidence,
                                     const verify::BoundData& report_data,
                                     const verify::Policy& policy,
                                     Time at)
{
  const bool simulated = verify::claims_simulated(evidence);
  Brought brought;
  // What is refused in any case needs nothing.
  if (!simulated || policy.allow_simulated) brought = bring(evidence, simulated, at);
  auto verifiers = borrow();
  verify::Materials materials;
  materials.verifier =
      simulated && verifiers->simulated ? &*verifiers->simulated : &verifiers->vendor;
  materials.collateral = brought.collateral.get();
  materials.missing = std::move(brought.missing);
  if (brought.certificates) materials.amd_certificates = &*brought.certificates;
  auto out = verify::prove_bound(evidence, report_data, materials, policy, at);
  give_back(std::move(verifiers));
  return out;
}

} // namespace dstack::fetch
