#pragma once
/// NIST P-256 private keys and ECDSA signatures with SHA-256, through OpenSSL. Verifying is
/// p256_public.hpp.

#include "base/secret.hpp"
#include "crypto/openssl.hpp"

namespace dstack::crypto {

class P256Key {
public:
  static P256Key generate();
  /// Refuses zero and anything not below the group order.
  static Result<P256Key> from_scalar(ByteView scalar32);
  static Result<P256Key> from_pkcs8_der(ByteView der);

  Secret<32> scalar() const;
  const std::array<std::uint8_t, 64>& public_xy() const { return xy_; } ///< X || Y, big-endian
  /// The 138-byte PKCS#8 form whose hash other keys are made from (spec guest 13.1).
  SecretBytes pkcs8_der() const;
  /// The same of a scalar, without making a key of it.
  static Result<SecretBytes> pkcs8_der_of(ByteView scalar32);
  std::string pkcs8_pem() const; ///< secret
  Bytes spki_der() const;        ///< SubjectPublicKeyInfo, 91 bytes
  Bytes sign_der(ByteView message) const;
  std::array<std::uint8_t, 64> sign_raw(ByteView message) const; ///< r || s, big-endian

  EVP_PKEY* get() const { return key_.get(); }

private:
  P256Key(Pkey key, const std::array<std::uint8_t, 64>& xy) : key_(std::move(key)), xy_(xy) {}
  Pkey key_;
  std::array<std::uint8_t, 64> xy_; ///< computing it again takes longer than a signature
};

} // namespace dstack::crypto
