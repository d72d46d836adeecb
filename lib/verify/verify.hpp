#pragma once
/// Evidence, collateral, policy and expectations in; a verdict with every check out. Pure: the
/// caller fetches, reads files and knows what time it is.

#include "attest/evidence.hpp"
#include "attest/identity.hpp"
#include "snp/verify.hpp"
#include "verify/intel.hpp"
#include "verify/judge.hpp"
#include "verify/proven.hpp"

namespace dstack::verify {

/// What evidence is judged with.
struct Materials {
  dcap::Verifier* verifier = nullptr; ///< Intel's and simulated quotes; its anchor is what counts
  const dcap::HashedCollateral* collateral = nullptr;
  std::optional<Error> missing{}; ///< why there is no collateral, or there are no certificates
  /// SEV-SNP: certificates from elsewhere, for reports that come without.
  const snp::Certificates* amd_certificates = nullptr;
};

/// What must be so of the OS image that booted.
struct ImageExpectation {
  std::string source{};        ///< "--image dstack-0.6.0"
  std::string os_image_hash{}; ///< hex
  /// Registers the image determines, by name, with the values it may give them.
  std::vector<std::pair<std::string, std::vector<std::string>>> registers{};
  /// Registers that were not predicted for this evidence.
  std::vector<std::string> not_predicted{};
  std::string why_not{}; ///< empty: an image known by its hash alone
};

struct Question {
  Policy policy{};
  Expectations expectations{};
  std::optional<ImageExpectation> image{};
  Time at{};
};

/// Never fails: what goes wrong is in the verdict.
Verdict
verify(const attest::Evidence& evidence, const Materials& materials, const Question& question);
/// The same verdict with what led to it.
Proven
prove(const attest::Evidence& evidence, const Materials& materials, const Question& question);

/// The evidence says that a simulated TEE made it.
bool claims_simulated(const attest::Evidence& evidence);

/// The OS image that vm_config names, in hex; empty when it names none. Claimed, not proven.
std::string claimed_image(const attest::Attestation& attestation);

} // namespace dstack::verify
