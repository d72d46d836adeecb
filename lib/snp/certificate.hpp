#pragma once
/// Certificates and revocation lists of AMD's hierarchy: ARK and ASK hold RSA keys and sign with
/// RSASSA-PSS and SHA-384, the VCEK is a P-384 key (AMD publication 57230, "VCEK Certificate and
/// KDS Interface Specification").

#include "crypto/openssl.hpp"
#include "snp/product.hpp"

namespace dstack::snp {

inline constexpr std::size_t max_certificate = std::size_t{16} << 10U;
inline constexpr std::size_t max_crl = std::size_t{1} << 20U;

class Certificate {
public:
  /// DER, nothing after it, no unknown critical extension.
  static Result<Certificate> parse(ByteView der);

  const std::string& common_name() const { return common_name_; } ///< of the subject, printable
  const std::string& issuer_name() const { return issuer_name_; } ///< common name
  std::int64_t not_before() const { return not_before_; }         ///< Unix seconds
  std::int64_t not_after() const { return not_after_; }
  bool is_ca() const;
  /// Names match and the signature is the issuer's, with the algorithm AMD uses.
  Status check_issued_by(const Certificate& issuer) const;
  bool same_key(const Certificate& other) const;
  X509* raw() const { return x509_.get(); }

private:
  crypto::X509Certificate x509_{};
  std::string common_name_{};
  std::string issuer_name_{};
  std::int64_t not_before_ = 0;
  std::int64_t not_after_ = 0;
};

class RevocationList {
public:
  static Result<RevocationList> parse(ByteView der);

  std::int64_t this_update() const { return this_update_; } ///< Unix seconds
  std::int64_t next_update() const { return next_update_; }
  Status check_issued_by(const Certificate& issuer) const;
  /// Whatever the reason.
  bool lists(const Certificate& certificate) const;

private:
  crypto::X509List crl_{};
  std::int64_t this_update_ = 0;
  std::int64_t next_update_ = 0;
};

/// What a VCEK certificate says it is for, in extensions under 1.3.6.1.4.1.3704.1.
struct VcekInfo {
  std::string product_name{}; ///< "Milan-B0", printable
  Tcb tcb{};
  Bytes hwid{}; ///< 64 bytes, on Turin 8
};
Result<VcekInfo> vcek_info(ByteView der, Product product);

/// ECDSA P-384 over the SHA-384 digest of data; r and s little-endian.
bool verify_p384_le(const Certificate& signer, ByteView data, ByteView r_le, ByteView s_le);
/// The certificate holds a P-384 key.
bool has_p384_key(const Certificate& certificate);

} // namespace dstack::snp
