#pragma once
/// What a KMS answers (spec kms 2.2), read from the bytes that came: sizes bounded, every member of
/// the kind it must be. Nothing is believed because it could be read.

#include "base/secret.hpp"
#include "crypto/k256.hpp"
#include "crypto/p256.hpp"
#include "crypto/x25519.hpp"
#include "http/message.hpp"

#include <optional>

namespace dstack::kmsclient {

inline constexpr std::size_t max_answer = std::size_t{64} << 10U;
/// Certificates of apps may carry their attestation.
inline constexpr std::size_t max_chain_answer = std::size_t{1} << 20U;

/// A certificate and the key in it.
struct KnownCertificate {
  Bytes der{};
  Bytes spki{}; ///< SubjectPublicKeyInfo of a P-256 key, 91 bytes
};

/// GetTempCaCert. The temporary CA's key is handed to anybody who asks: it proves nothing.
struct TempCa {
  KnownCertificate root{}; ///< ca_cert: what all else must chain to
  KnownCertificate certificate{};
  crypto::P256Key key;
};
Result<TempCa> parse_temp_ca(std::string body);

/// GetAppKey.
struct AppKeyAnswer {
  KnownCertificate root{};
  Secret<32> disk_crypt_key{};
  Secret<32> env_crypt_key{};
  Secret<32> k256_key{};
  crypto::K256Recoverable k256_signature{};
  std::string gateway_app_id{};
  Bytes os_image_hash{};   ///< 32 bytes
  std::uint32_t epoch = 0; ///< of the keys; 0 is what every KMS derives
};
Result<AppKeyAnswer> parse_app_keys(std::string body);

/// SignCert: DER, leaf first.
Result<std::vector<Bytes>> parse_chain(std::string_view body);

/// GetMeta.
struct Meta {
  KnownCertificate root{};
  crypto::K256Public k256{}; ///< what its signatures recover to
  bool is_dev = false;
  std::string gateway_app_id{};
};
Result<Meta> parse_meta(std::string_view body);

/// GetAppEnvEncryptPubKey. The signature without a time is not read: it never expires.
struct EnvKey {
  crypto::X25519Public key{};
  std::uint64_t timestamp = 0; ///< Unix seconds
  crypto::K256Recoverable signature{};
};
Result<EnvKey> parse_env_key(std::string_view body);

/// Why the KMS refused, from an answer other than 200. A failure before the request was looked at
/// may come in the other encoding than was asked for (trap 26), so both are read.
std::string refusal_of(const http::Response& response);

} // namespace dstack::kmsclient
