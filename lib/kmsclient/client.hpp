#pragma once
/// The exchange with a KMS (spec kms 15.1, 15.2): several addresses, each with a deadline; nothing
/// is sent to a server that has not shown to be the KMS of the root that is trusted. Blocking, and
/// usable from any thread.

#include "kmsclient/attempts.hpp"
#include "kmsclient/trust.hpp"

namespace dstack::kmsclient {

/// A KMS one has settled on: whoever holds its root key.
struct Trusted {
  std::vector<Url> urls{}; ///< the one that answered first
  KnownCertificate root{};
};

/// Asks for the temporary CA over connections nobody vouches for, and settles on the first root
/// that fits the pin (its SPKI; empty: any). The error has the first address' code and tells of
/// all.
Result<Trusted> meet(const std::vector<Url>& urls, ByteView pin, const Reach& reach);

struct AppQuestion {
  std::vector<Url> urls{};
  Bytes pin{};    ///< key_provider_id of the app, or empty
  Bytes app_id{}; ///< 20 bytes
  std::string vm_config{};
  Attest attest{};
};
struct AppAnswer {
  Trusted kms{};
  AppKeyAnswer keys{};
  crypto::K256Public app_public{}; ///< of keys.k256_key
  crypto::K256Public signer{};     ///< the KMS' key that vouches for it
};
/// GetAppKey. Each address is asked anew for everything, with a key of its own. now: for the
/// certificate.
Result<AppAnswer> request_app_keys(const AppQuestion& question, const Reach& reach, Time now);

struct CertificateQuestion {
  Bytes csr{};       ///< attest::Csr as encoded, which holds the attestation
  Bytes signature{}; ///< of the key it is for
  std::string vm_config{};
  Bytes spki{};   ///< of that key
  Bytes app_id{}; ///< 20 bytes
};
struct CertificateAnswer {
  std::vector<Bytes> chain{}; ///< DER: leaf, app CA, root
  std::string url{};          ///< who gave it
};
/// SignCert, without a client certificate: the request itself carries the attestation.
Result<CertificateAnswer> request_certificate(const Trusted& kms,
                                              const CertificateQuestion& question,
                                              const Reach& reach,
                                              Time now);

/// GetMeta. That its root is the trusted one has been checked.
Result<Meta> request_meta(const Trusted& kms, const Reach& reach);
/// GetAppEnvEncryptPubKey; the caller judges it (check_env_key).
Result<EnvKey> request_env_key(const Trusted& kms, ByteView app_id, const Reach& reach);

} // namespace dstack::kmsclient
