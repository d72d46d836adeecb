#pragma once
/// Certificates for the app, from its own authority or from a KMS (spec guest 12.2 to 12.4).

#include "attest/ratls_write.hpp"
#include "base/text.hpp"
#include "crypto/p256.hpp"
#include "guestapi/evidence.hpp"

namespace dstack::guestapi {

/// What a certificate is asked for.
struct LeafRequest {
  std::string subject{};
  std::vector<std::string> alt_names{};
  bool ra_tls = false;
  bool server_auth = false;
  bool client_auth = false;
  bool app_info = false;
  std::optional<std::uint64_t> not_before{}; ///< Unix seconds
  std::optional<std::uint64_t> not_after{};
};

/// The app's authority without a KMS: a key derived for the app, with a certificate it signed
/// itself that carries the attestation of that key.
class Issuer {
public:
  static Result<Issuer> create(crypto::P256Key key, Evidence& evidence, Time now);

  /// PEM of the leaf over key, then of the authority.
  Result<std::vector<std::string>>
  issue(const LeafRequest& request, const crypto::P256Key& key, Evidence& evidence, Time now) const;
  const std::string& certificate_pem() const { return pem_; }

private:
  Issuer(crypto::P256Key key, std::string pem) : key_(std::move(key)), pem_(std::move(pem)) {}
  crypto::P256Key key_;
  std::string pem_;
};

/// What a KMS signs a certificate from: the request with the attestation of the key in it, and the
/// key's own signature over it.
struct SigningRequest {
  Bytes csr{};       ///< attest::Csr, encoded
  Bytes signature{}; ///< ASN.1 DER
  Bytes spki{};      ///< of the key
};
Result<SigningRequest>
signing_request(const LeafRequest& request, const crypto::P256Key& key, const Evidence& evidence);

} // namespace dstack::guestapi
