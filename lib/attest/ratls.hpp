#pragma once
/// RA-TLS certificates: X.509 certificates that carry the attestation of their own key (spec guest
/// 12.1). Old ones hold quote and event log apart, new ones one attestation blob.

#include "attest/attestation.hpp"

namespace dstack::attest {

struct RaTls {
  Attestation attestation{};
  Bytes spki{};          ///< of the certificate, DER
  std::string subject{}; ///< safe to print
  std::int64_t not_before = 0;
  std::int64_t not_after = 0;
  Bytes app_id{};      ///< set by a KMS; empty otherwise
  std::string usage{}; ///< "app:custom", "app:ca", "kms:rpc"
};

/// Errc::not_found when the certificate carries no attestation.
Result<RaTls> parse_ratls(ByteView certificate_der);

/// What a KMS writes into certificates besides attestations.
struct CertificateMarks {
  Bytes spki{};        ///< of the certificate, DER
  std::string usage{}; ///< as in RaTls; empty when there is none
  Bytes app_id{};      ///< 20 bytes; empty when there is none
  Bytes app_info{};    ///< as parse_app_info reads it; empty when there is none
  bool attested = false;
};
Result<CertificateMarks> certificate_marks(ByteView certificate_der);

/// The report data that binds a certificate's key: SHA-512 of "ratls-cert:" and its SPKI (spec
/// guest 9).
std::array<std::uint8_t, 64> ratls_report_data(ByteView spki);

} // namespace dstack::attest
