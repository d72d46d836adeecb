#pragma once
/// Who this KMS is: a fresh key at every start and refresh, an attestation of it that we verify
/// like anybody else's, and the certificate that shows both (spec kms 7.4).

#include "base/text.hpp"
#include "crypto/p256.hpp"
#include "guestclient/guest_agent.hpp"
#include "kms/policy.hpp"
#include "vault/vault.hpp"
#include "verify/proven.hpp"

namespace dstack::kmsnode {

using guestclient::GuestAgent;
using guestclient::ReportData;

using Prove = std::function<Result<verify::Proven>(
    const attest::Evidence&, const verify::BoundData&, const kms::Policy&)>;

struct Attested {
  attest::Attestation attestation{};
  std::shared_ptr<const verify::Proven> proven{};
};
/// What the guest agent attests for that report data, verified under our own policy's rules for
/// evidence.
Result<Attested> attest_self(const GuestAgent& agent,
                             const Prove& prove,
                             const kms::Policy& policy,
                             const ReportData& data);

/// A certificate with its key, and the evidence in it.
struct ServerIdentity {
  std::string chain_pem{};
  std::string key_pem{};
  /// What our evidence proves, as policies see it.
  Result<std::shared_ptr<const kms::BootInfo>> self = Error{Errc::not_found, "not attested yet"};
};

struct IdentityRequest {
  std::vector<std::string> domains{};
  bool attested = true; ///< the certificate carries the evidence
  Time now{};
};
/// Signed by the root: usage kms:rpc.
Result<ServerIdentity> rpc_identity(const GuestAgent& agent,
                                    const Prove& prove,
                                    const kms::Policy& policy,
                                    const crypto::P256Key& root_ca,
                                    const IdentityRequest& request);

inline constexpr std::string_view usage_unseal = "kms:unseal";
/// While the root is sealed nobody can sign for us: signed by itself, usage kms:unseal.
Result<ServerIdentity> sealed_identity(const GuestAgent& agent,
                                       const Prove& prove,
                                       const kms::Policy& policy,
                                       const IdentityRequest& request);

} // namespace dstack::kmsnode
