#include "kmsclient/trust.hpp"

#include "attest/ratls.hpp"
#include "attest/ratls_write.hpp"
#include "dcap/verify.hpp"
#include "keys/root_keys.hpp"
#include "x509/app_certificate.hpp"
#include "x509/app_chain.hpp"
#include "x509/read.hpp"

namespace dstack::kmsclient {

namespace {

constexpr std::string_view client_name = "RA-TLS TEMP Cert";
constexpr std::int64_t max_age_s = 300;
constexpr std::int64_t max_ahead_s = 60;

/// Binding to the key, and no debug TEE. The signature of the quote is not looked at.
Status check_attestation(ByteView certificate_der)
{
  const attest::RaTls certificate = TRY(attest::parse_ratls(certificate_der));
  const auto want = attest::ratls_report_data(certificate.spki);
  if (certificate.attestation.report_data != want)
    return fail(Errc::untrusted, "the attestation is of another key");
  if (certificate.attestation.quote.empty()) return ok(); // not an Intel one
  const dcap::Quote quote = TRY(dcap::parse_quote(certificate.attestation.quote).within("quote"));
  if (!equal(quote.td.report_data, want))
    return fail(Errc::untrusted, "the quote is of another key");
  for (const std::string& flag : dcap::attribute_flags(quote))
    if (flag == "debug") return fail(Errc::untrusted, "the KMS runs in a TEE that can be debugged");
  return ok();
}

} // namespace

Status check_pin(const KnownCertificate& root, ByteView pin)
{
  if (pin.empty() || equal(root.spki, pin)) return ok();
  return fail(Errc::denied, "key_provider_id: the key provider is '{}' (the app wants {})",
              hex(root.spki), hex(pin));
}

Status check_server(ByteView certificate_der)
{
  const auto marks = TRY(attest::certificate_marks(certificate_der).within("server certificate"));
  if (marks.usage.empty()) return fail(Errc::untrusted, "missing server cert usage");
  if (marks.usage != attest::usage_kms)
    return fail(Errc::untrusted, "Invalid server cert usage: {}", marks.usage);
  if (!marks.attested) return ok();
  return check_attestation(certificate_der).within("server certificate");
}

Result<ClientIdentity> make_identity(const TempCa& ca, const Attest& attest, Time now)
{
  const auto key = crypto::P256Key::generate();
  const attest::Attestation attestation = TRY(attest(attest::ratls_report_data(key.spki_der())));
  x509::AppCertificateSpec spec;
  spec.subject.common_name = client_name;
  spec.issuer_der = TRY(x509::read_certificate(ca.certificate.der)).subject_der;
  spec.not_after = now.seconds() + x509::default_validity;
  spec.extensions = {attest::attestation_extension(attestation)};
  const Bytes der = TRY(x509::make_app_certificate(spec, key.spki_der(), ca.key));
  return ClientIdentity{x509::to_pem(der), key.pkcs8_pem()};
}

Status check_certificate(const std::vector<Bytes>& chain, const WantedCertificate& wanted, Time now)
{
  constexpr std::size_t leaf_app_root = 3;
  if (chain.size() != leaf_app_root)
    return fail(Errc::untrusted, "a chain of {} certificates (want {})", chain.size(),
                leaf_app_root);
  TRY(x509::check_app_chain(chain, wanted.root_spki, now));
  const auto leaf = TRY(attest::certificate_marks(chain[0]).within("certificate"));
  if (!equal(leaf.spki, wanted.spki))
    return fail(Errc::untrusted, "the certificate is for another key");
  if (leaf.usage != attest::usage_app)
    return fail(Errc::untrusted, "the certificate is marked '{}' (want {})", leaf.usage,
                attest::usage_app);
  const auto authority = TRY(attest::certificate_marks(chain[1]).within("app CA"));
  if (authority.usage != attest::usage_app_ca)
    return fail(Errc::untrusted, "the app CA is marked '{}' (want {})", authority.usage,
                attest::usage_app_ca);
  for (const auto* marks : {&leaf, &authority})
    if (!equal(marks->app_id, wanted.app_id))
      return fail(Errc::untrusted, "the certificate is of app {} (want {})", hex(marks->app_id),
                  hex(wanted.app_id));
  return ok();
}

Status
check_env_key(const EnvKey& answer, ByteView app_id, const crypto::K256Public& signer, Time now)
{
  if (answer.timestamp > INT64_MAX) return fail(Errc::malformed, "time {}", answer.timestamp);
  const auto at = static_cast<std::int64_t>(answer.timestamp);
  // Differences of times after 1970 do not overflow.
  if (now.seconds() - at > max_age_s)
    return fail(Errc::untrusted, "the environment key was signed {} s ago (limit {})",
                now.seconds() - at, max_age_s);
  if (at - now.seconds() > max_ahead_s)
    return fail(Errc::untrusted,
                "the environment key was signed {} s ahead of this clock (limit {})",
                at - now.seconds(), max_ahead_s);
  const auto is = TRY(keys::env_key_signer(app_id, answer.key, answer.timestamp, answer.signature));
  if (is == signer) return ok();
  return fail(Errc::untrusted, "the environment key is signed by {} (the KMS is {})", hex(is),
              hex(signer));
}

} // namespace dstack::kmsclient
