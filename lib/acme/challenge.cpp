#include "acme/challenge.hpp"

#include "acme/jws.hpp"
#include "crypto/hash.hpp"
#include "x509/certificate.hpp"
#include "x509/der.hpp"
#include "x509/request.hpp"

namespace dstack::acme {

Proof make_proof(const Authorization& authorization,
                 const Challenge& challenge,
                 const crypto::P256Key& account_key)
{
  return {challenge.kind, authorization.domain, challenge.token,
          fmt::format("{}.{}", challenge.token, thumbprint(account_key))};
}

TxtRecord dns_01_record(const Proof& proof)
{
  return {"_acme-challenge." + proof.domain,
          base64url(crypto::sha256(as_bytes(proof.key_authorization)))};
}

HttpResource http_01_resource(const Proof& proof)
{
  return {"/.well-known/acme-challenge/" + proof.token, proof.key_authorization};
}

Result<Bytes> tls_alpn_01_certificate(const Proof& proof, const crypto::P256Key& key, Time now)
{
  constexpr std::int64_t day = 86'400;
  const auto digest = crypto::sha256(as_bytes(proof.key_authorization));
  x509::CertificateSpec spec;
  spec.subject_cn = "dstack ACME challenge";
  spec.issuer_cn = spec.subject_cn;
  spec.not_before = now.seconds() - day;
  spec.not_after = now.seconds() + 7 * day;
  const Bytes names = TRY(x509::alt_names_value({proof.domain}));
  spec.extensions.push_back({"2.5.29.17", names, false});
  spec.extensions.push_back(
      {"1.3.6.1.5.5.7.1.31", x509::der::octet_string(digest), true}); // acmeIdentifier
  return x509::make_certificate(spec, key.spki_der(), key);
}

} // namespace dstack::acme
