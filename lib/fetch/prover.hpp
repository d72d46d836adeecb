#pragma once
/// Judging evidence as it comes in, for services: collateral from the shelf, verifiers that remember
/// what they have proven, any thread.

#include "fetch/collateral_shelf.hpp"
#include "verify/verify.hpp"

namespace dstack::fetch {

class Prover {
public:
  struct Roots {
    dcap::Anchor vendor = dcap::Anchor::intel();
    std::optional<dcap::Anchor> simulated{}; ///< counts where the policy allows simulated evidence
  };
  Prover(std::shared_ptr<CollateralShelf> shelf, Roots roots);

  /// See verify::prove_bound. May wait for a vendor's service as long as the shelf's sources do.
  Result<verify::Proven> prove(const attest::Evidence& evidence,
                               const verify::BoundData& report_data,
                               const verify::Policy& policy,
                               Time at);

private:
  /// One thread's at a time.
  struct Verifiers {
    explicit Verifiers(const Roots& roots);
    dcap::Verifier vendor;
    std::optional<dcap::Verifier> simulated;
  };
  /// What has to be had from elsewhere.
  struct Brought {
    CollateralShelf::Shared collateral{};
    std::optional<snp::Certificates> certificates{};
    std::optional<Error> missing{};
  };

  Brought bring(const attest::Evidence& evidence, bool simulated, Time at);
  std::unique_ptr<Verifiers> borrow();
  void give_back(std::unique_ptr<Verifiers> verifiers);

  std::shared_ptr<CollateralShelf> shelf_;
  Roots roots_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Verifiers>> idle_;
};

} // namespace dstack::fetch
