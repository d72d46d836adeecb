#pragma once
/// Making X.509 v3 certificates and CRLs with P-256 and SHA-256 (RFC 5280).

#include "crypto/p256.hpp"

#include <optional>

namespace dstack::x509 {

struct Extension {
  std::string oid{};
  Bytes value{}; ///< content of extnValue
  bool critical = false;
};

struct CertificateSpec {
  std::string subject_cn{};
  std::string issuer_cn{};
  std::uint64_t serial = 1;
  std::int64_t not_before = 0; ///< Unix seconds
  std::int64_t not_after = 0;
  /// Path length of a CA; absent for a leaf.
  std::optional<int> ca_path_length{};
  std::vector<Extension> extensions{};
};

/// DER of the certificate of subject_public_key (SPKI DER), signed by issuer.
Result<Bytes>
make_certificate(const CertificateSpec& spec, ByteView subject_spki, const crypto::P256Key& issuer);
struct CrlSpec {
  std::string issuer_cn{};
  std::uint64_t number = 1;
  std::int64_t this_update = 0; ///< Unix seconds
  std::int64_t next_update = 0;
};

/// DER of a revocation list that lists nothing yet, signed by issuer.
Result<Bytes> make_crl(const CrlSpec& spec, const crypto::P256Key& issuer);
std::string to_pem(ByteView certificate_der);

} // namespace dstack::x509
