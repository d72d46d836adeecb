#pragma once
/// What has to be in place so that an authority believes that a name is ours.

#include "acme/messages.hpp"
#include "crypto/p256.hpp"

namespace dstack::acme {

/// One thing to set up before the authority is asked to look, and to take away afterwards.
struct Proof {
  ChallengeKind kind = ChallengeKind::dns_01;
  std::string domain{}; ///< without "*."
  std::string token{};
  std::string key_authorization{}; ///< RFC 8555 8.1
};
Proof make_proof(const Authorization& authorization,
                 const Challenge& challenge,
                 const crypto::P256Key& account_key);

/// RFC 8555 8.4: a TXT record. A name and its wildcard need two records of one name at once.
struct TxtRecord {
  std::string name{};
  std::string value{};
};
TxtRecord dns_01_record(const Proof& proof);

/// RFC 8555 8.3: served over plain HTTP on port 80 of the domain.
struct HttpResource {
  std::string path{};
  std::string body{};
};
HttpResource http_01_resource(const Proof& proof);

/// RFC 8737: what a TLS server shows who asks for the domain and offers "acme-tls/1" alone; DER,
/// self-signed by key, which is of no further use.
inline constexpr std::string_view tls_alpn_protocol = "acme-tls/1";
Result<Bytes> tls_alpn_01_certificate(const Proof& proof, const crypto::P256Key& key, Time now);

} // namespace dstack::acme
