#pragma once
/// Whom to believe: the root that an app pins, the server that is a KMS and no app, the certificate
/// that is for our key (spec kms 15.1, 7.4).

#include "attest/attestation.hpp"
#include "base/text.hpp"
#include "kmsclient/answers.hpp"
#include "net/tls.hpp"

#include <functional>

namespace dstack::kmsclient {

/// The pin is the root's SPKI; empty: any root will do, and the caller says so to whom it concerns.
/// Errc::denied for another root.
Status check_pin(const KnownCertificate& root, ByteView pin);

/// What a KMS' server certificate must be once it chains to the root: marked kms:rpc, since apps'
/// certificates chain to the same root (trap 18). If it carries an attestation, that must be of its
/// own key and of no TEE that can be debugged. Whether the quote is genuine is not decided here:
/// who got a kms:rpc certificate from the root is the KMS.
Status check_server(ByteView certificate_der);

using ReportData = std::array<std::uint8_t, 64>;
/// Makes an attestation of this VM over the report data.
using Attest = std::function<Result<attest::Attestation>(const ReportData&)>;

/// A fresh key with its certificate from the temporary CA, which carries the key's attestation
/// (spec kms 7.3).
struct ClientIdentity {
  std::string chain_pem{};
  std::string key_pem{}; ///< secret
};
Result<ClientIdentity> make_identity(const TempCa& ca, const Attest& attest, Time now);

/// A chain that SignCert answered: leaf of this key, the app's authority, the root; leaf and
/// authority marked as what they are, with the app's id. Errc::untrusted otherwise.
struct WantedCertificate {
  Bytes root_spki{};
  Bytes spki{};   ///< of the key that was asked for
  Bytes app_id{}; ///< 20 bytes
};
Status
check_certificate(const std::vector<Bytes>& chain, const WantedCertificate& wanted, Time now);

/// The environment key is signed for this app by this key, no more than 300 s ago, no more than
/// 60 s ahead (spec kms 6).
Status
check_env_key(const EnvKey& answer, ByteView app_id, const crypto::K256Public& signer, Time now);

} // namespace dstack::kmsclient
