#pragma once
/// A bounded view of the X.509 v3 certificates of Intel's attestation chains: P-256 keys, signed
/// with ECDSA and SHA-256 (Intel "SGX PCK Certificate and CRL Profile Specification"; RFC 5280).
/// Other algorithms are refused here; a general certificate goes through OpenSSL.

#include "x509/der_reader.hpp"

#include <optional>
#include <vector>

namespace dstack::x509 {

inline constexpr std::size_t max_p256_certificate = std::size_t{16} << 10U;

struct ExtensionView {
  ByteView oid{}; ///< content of the OBJECT IDENTIFIER
  bool critical = false;
  ByteView value{}; ///< content of extnValue
};

struct KeyUsage {
  bool digital_signature = false;
  bool cert_sign = false;
  bool crl_sign = false;
};

struct P256Certificate {
  ByteView der{};
  ByteView tbs{};    ///< what the signature covers
  ByteView serial{}; ///< magnitude
  ByteView issuer{}; ///< raw Name
  ByteView subject{};
  std::int64_t not_before = 0;
  std::int64_t not_after = 0;
  ByteView public_xy{}; ///< X || Y, 64 bytes; not yet known to be on the curve
  bool is_ca = false;
  std::optional<std::uint64_t> path_length{};
  std::optional<KeyUsage> key_usage{};
  ByteView subject_key_id{}; ///< empty when absent
  std::vector<ExtensionView> extensions{};
  ByteView signature{}; ///< DER ECDSA signature

  /// Extension with that OID content, or nullptr.
  const ExtensionView* find(ByteView oid) const;
};

/// Views point into der. Unknown critical extensions and extensions given twice are refused.
Result<P256Certificate> parse_p256_certificate(ByteView der);

/// The common name of a Name, or empty when it has none or several.
std::string_view common_name(ByteView name);

/// Certificates of PEM text, in order; nothing but white space and NUL may be around them (spec
/// verify 2.6).
Result<std::vector<Bytes>> certificates_of_pem(std::string_view text, std::size_t limit);
/// The DER of one PEM block with that label ("X509 CRL").
Result<Bytes> one_pem_block(std::string_view text, std::string_view label);

/// AlgorithmIdentifier of ecdsa-with-SHA256, whole.
ByteView ecdsa_with_sha256();

} // namespace dstack::x509
