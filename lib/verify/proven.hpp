#pragma once
/// A verdict together with what was proven on the way: for services that hand out something by it,
/// and so must look at more than the answer.

#include "attest/evidence.hpp"
#include "attest/identity.hpp"
#include "verify/subject.hpp"
#include "verify/verdict.hpp"

namespace dstack::verify {

struct Materials;
struct Policy;

/// Everything but the verdict is empty unless the vendor's part was proven: quote or report, the
/// chain above it, the collateral. Only with Answer::trusted is all of it to be relied on.
struct Proven {
  Verdict verdict{};
  Subject subject{};
  attest::Platform platform = attest::Platform::tdx;
  std::optional<attest::TdxRegisters>
      registers{};                            ///< of TDX, explained by the log when there is one
  std::vector<attest::RuntimeEvent> events{}; ///< of RTMR3, in order
  Bytes measurement{};                        ///< of SEV-SNP
  Bytes host_data{};                          ///< of SEV-SNP
  std::string mr_config{}; ///< of SEV-SNP: the document that HOST_DATA is the hash of
  std::optional<attest::Identity> identity{}; ///< of the app
  std::string vm_config{};                    ///< as the attestation claims it: proven by nothing
};

using BoundData = std::array<std::uint8_t, 64>;

/// The evidence that a TLS certificate carries, for a service that knows its client by it.
/// Errc::not_found when there is none: the client is then nobody in particular. Refused is also a
/// quote in the old form without its event log.
Result<attest::Evidence> evidence_of_certificate(ByteView der);
/// The evidence in an attestation blob: a request for a certificate, the answer of Attest.
Result<attest::Evidence> evidence_of_attestation(ByteView blob);

/// What is proven of the evidence when it must vouch for this report data: nothing less than a
/// trusted verdict on a dstack app whose log explains RTMR3 (or whose document HOST_DATA binds).
/// Otherwise the reason: Errc::untrusted, Errc::malformed, or Errc::io when it could not be judged.
Result<Proven> prove_bound(const attest::Evidence& evidence,
                           const BoundData& report_data,
                           const Materials& materials,
                           const Policy& policy,
                           Time at);

} // namespace dstack::verify
