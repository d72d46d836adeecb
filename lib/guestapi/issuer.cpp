#include "guestapi/issuer.hpp"

#include "attest/csr.hpp"
#include "attest/identity.hpp"
#include "attest/ratls.hpp"
#include "x509/app_certificate.hpp"

namespace dstack::guestapi {

namespace {

constexpr std::string_view root_name = "App Root Cert";
/// Old and new extensions hold the quote twice; beyond this they would make the certificate too
/// large for what some TLS stacks take, so only the new one is written.
constexpr std::size_t max_with_legacy = 16'000;
constexpr int path_length = 1;

Result<attest::Attestation> attestation_of(const crypto::P256Key& key, const Evidence& evidence)
{
  return evidence.attestation(attest::ratls_report_data(key.spki_der()));
}

Result<attest::AppInfo> app_info(Evidence& evidence)
{
  const Facts& facts = evidence.facts();
  const attest::TdxRegisters registers = TRY(evidence.registers());
  const auto system = attest::mr_system(registers, as_bytes(facts.key_provider));
  const auto aggregated = attest::mr_aggregated(registers);
  attest::AppInfo out;
  out.app_id = facts.app_id;
  out.compose_hash = facts.compose_hash;
  out.instance_id = facts.instance_id;
  out.device_id = unverified_device_id();
  out.mr_system = to_bytes(ByteView{system});
  out.mr_aggregated = to_bytes(ByteView{aggregated});
  out.os_image_hash = TRY(parse_hex(facts.os_image_hash).within("os_image_hash"));
  out.key_provider = facts.key_provider;
  for (const attest::RuntimeEvent& event : attest::runtime_events_of(facts.log))
    if (event.name == "init-script-hash") out.init_script_hashes.push_back(event.payload);
  return out;
}

/// In the order of the profile: .9, .4, .8, then the old ones when they fit.
Result<std::vector<x509::Extension>>
extensions(const LeafRequest& request, const crypto::P256Key& key, Evidence& evidence)
{
  std::vector<x509::Extension> out;
  if (request.app_info) out.push_back(attest::app_info_extension(TRY(app_info(evidence))));
  out.push_back(attest::usage_extension(attest::usage_app));
  if (!request.ra_tls) return out;
  const attest::Attestation attestation = TRY(attestation_of(key, evidence));
  out.push_back(attest::attestation_extension(attestation));
  std::size_t size = 0;
  const auto legacy = attest::legacy_extensions(attestation);
  for (const x509::Extension& one : legacy)
    size += one.value.size();
  if (size + out.back().value.size() <= max_with_legacy)
    out.insert(out.end(), legacy.begin(), legacy.end());
  return out;
}

Result<std::int64_t> seconds(std::uint64_t asked, std::string_view what)
{
  constexpr std::uint64_t year_10000 = 253'402'300'800;
  if (asked >= year_10000) return fail(Errc::malformed, "{} is too far in the future", what);
  return static_cast<std::int64_t>(asked);
}

Error wrong_period()
{
  return fail(Errc::malformed, "not_before must be earlier than not_after");
}

} // namespace

Result<Issuer> Issuer::create(crypto::P256Key key, Evidence& evidence, Time now)
{
  x509::AppCertificateSpec spec;
  spec.subject.common_name = root_name;
  spec.issuer = spec.subject;
  spec.ca_path_length = path_length;
  spec.not_after = now.seconds() + x509::default_validity;
  spec.extensions = {attest::attestation_extension(TRY(attestation_of(key, evidence)))};
  const Bytes der = TRY(x509::make_app_certificate(spec, key.spki_der(), key));
  return Issuer{std::move(key), x509::to_pem(der)};
}

Result<std::vector<std::string>> Issuer::issue(const LeafRequest& request,
                                               const crypto::P256Key& key,
                                               Evidence& evidence,
                                               Time now) const
{
  x509::AppCertificateSpec spec;
  spec.subject.common_name = request.subject;
  spec.issuer.common_name = root_name;
  spec.alt_names = request.alt_names;
  spec.server_auth = request.server_auth;
  spec.client_auth = request.client_auth;
  if (request.not_before) spec.not_before = TRY(seconds(*request.not_before, "not_before"));
  spec.not_after = request.not_after ? TRY(seconds(*request.not_after, "not_after"))
                                     : now.seconds() + x509::default_validity;
  if (spec.not_before >= spec.not_after) return wrong_period();
  spec.extensions = TRY(extensions(request, key, evidence));
  const Bytes der = TRY(x509::make_app_certificate(spec, key.spki_der(), key_));
  return std::vector<std::string>{x509::to_pem(der), pem_};
}

Result<SigningRequest>
signing_request(const LeafRequest& request, const crypto::P256Key& key, const Evidence& evidence)
{
  if (request.not_before && request.not_after && *request.not_before >= *request.not_after)
    return wrong_period();
  attest::Csr csr;
  csr.public_key = key.spki_der();
  csr.config.subject = request.subject;
  csr.config.alt_names = request.alt_names;
  csr.config.server_auth = request.server_auth;
  csr.config.client_auth = request.client_auth;
  csr.config.ext_quote = request.ra_tls;
  csr.config.ext_app_info = request.app_info;
  csr.config.not_before = request.not_before;
  csr.config.not_after = request.not_after;
  // Whether or not the certificate is to show it, the KMS must see whose key it signs.
  csr.attestation = attest::encode(TRY(attestation_of(key, evidence)));
  SigningRequest out;
  out.csr = attest::encode(csr);
  out.signature = key.sign_der(out.csr);
  out.spki = csr.public_key;
  return out;
}

} // namespace dstack::guestapi
