#pragma once
/// Certificates and revocation lists of hierarchies whose authorities hold RSA keys and sign with
/// RSASSA-PSS and SHA-384 (RFC 4055), down to a P-384 key that signs evidence: AMD's.

#include "base/bytes.hpp"
#include "crypto/openssl.hpp"

namespace dstack::x509 {

inline constexpr std::size_t max_pss_certificate = std::size_t{16} << 10U;
inline constexpr std::size_t max_pss_crl = std::size_t{1} << 20U;

class PssCertificate {
public:
  /// DER, nothing after it, no unknown critical extension.
  static Result<PssCertificate> parse(ByteView der);

  const std::string& common_name() const { return common_name_; } ///< of the subject, printable
  const std::string& issuer_name() const { return issuer_name_; } ///< common name
  std::int64_t not_before() const { return not_before_; }         ///< Unix seconds
  std::int64_t not_after() const { return not_after_; }
  bool is_ca() const;
  bool has_p384_key() const;
  bool same_key(const PssCertificate& other) const;
  /// The issuer is an authority, names match, and the signature is the issuer's.
  Status check_issued_by(const PssCertificate& issuer) const;
  /// ECDSA P-384 by this certificate's key, over the SHA-384 digest of data; r and s little-endian.
  bool verifies_p384(ByteView data, ByteView r_le, ByteView s_le) const;

private:
  friend class PssRevocationList;
  crypto::X509Certificate x509_{};
  std::string common_name_{};
  std::string issuer_name_{};
  std::int64_t not_before_ = 0;
  std::int64_t not_after_ = 0;
};

class PssRevocationList {
public:
  static Result<PssRevocationList> parse(ByteView der);

  std::int64_t this_update() const { return this_update_; } ///< Unix seconds
  std::int64_t next_update() const { return next_update_; }
  Status check_issued_by(const PssCertificate& issuer) const;
  /// Whatever the reason.
  bool lists(const PssCertificate& certificate) const;

private:
  crypto::X509List crl_{};
  std::int64_t this_update_ = 0;
  std::int64_t next_update_ = 0;
};

} // namespace dstack::x509
