/// SignCert (spec kms 2.8, 7.5): a certificate for an app, by a request that carries its own
/// attestation.

#include "attest/ratls_write.hpp"
#include "codec/json_list.hpp"
#include "kms/certificates.hpp"
#include "kmsapi/service.hpp"

namespace dstack::kmsapi {

using codec::Json;

namespace {

Result<attest::Csr> parse_request(std::uint64_t version, ByteView raw)
{
  if (version != 1 && version != 2)
    return fail(Errc::unsupported, "Unsupported API version: {}", version);
  auto csr = version == 1 ? attest::parse_csr_v1(raw) : attest::parse_csr(raw);
  return std::move(csr).within("Failed to parse csr");
}

/// As the whole log has it at the time of the request. Others write other values here (spec kms
/// 7.5), so nobody should authorise by this extension.
attest::AppInfo app_info(const kms::BootInfo& info, const verify::Proven& proven)
{
  attest::AppInfo out;
  out.app_id = info.app_id;
  out.compose_hash = info.compose_hash;
  out.instance_id = info.instance_id;
  out.device_id = info.device_id;
  out.mr_system = info.mr_system;
  out.mr_aggregated = info.mr_aggregated;
  out.os_image_hash = info.os_image_hash;
  out.key_provider = to_text(info.key_provider_info);
  out.init_script_hashes = proven.identity->init_script_hashes;
  return out;
}

} // namespace

Result<std::vector<std::string>> Call::issue(const attest::Csr& csr,
                                             const Applicant& applicant,
                                             const Granted& granted,
                                             std::string_view vm_config) const
{
  const std::int64_t now = outside_.now().seconds();
  const vault::RootMaterial& material = root().material;
  const keys::RootKeys& from = *TRY(vault::derivation_roots(material, granted.decision.epoch));
  const crypto::P256Key app_ca = TRY(keys::app_ca_key(from, granted.info.app_id));
  const Bytes authority =
      TRY(kms::app_ca_certificate(material.root.ca, app_ca, granted.info.app_id, now));
  kms::LeafFacts facts;
  facts.app_id = granted.info.app_id;
  if (csr.config.ext_quote)
    facts.attestation = attest::attestation_extension(applicant.attestation);
  if (csr.config.ext_app_info)
    facts.app_info = attest::app_info_extension(app_info(
        TRY(boot_info_of(applicant.proven, vm_config, kms::Replay::whole)), applicant.proven));
  const Bytes leaf = TRY(kms::leaf_certificate(app_ca, csr, facts, arrangement_.domains, now));
  return std::vector<std::string>{x509::to_pem(leaf), x509::to_pem(authority), root_ca_pem()};
}

Result<Json> Call::sign_cert(const Json& params) const
{
  const Bytes raw = TRY(parse_hex(TRY(params.get_string("csr", ""))));
  const Bytes signature = TRY(parse_hex(TRY(params.get_string("signature", ""))));
  const std::string vm_config = TRY(params.get_string("vm_config", ""));
  TRY(admitted("SignCert"));
  const attest::Csr csr = TRY(parse_request(TRY(params.get_u64("api_version", 0)), raw));
  TRY(attest::check_csr_signature(raw, csr, signature).within("Failed to verify csr signature"));
  const Applicant applicant = TRY(prove_request(csr));
  const Granted granted = TRY(judge(
      {"SignCert", kms::Role::app, &applicant.proven, vm_config, kms::Replay::to_boot_mr_done}));
  const auto chain = TRY(issue(csr, applicant, granted, vm_config));
  return Json{}.set("certificate_chain", codec::list_of(chain));
}

Result<Call::Applicant> Call::prove_request(const attest::Csr& csr) const
{
  constexpr std::string_view failed = "Quote verification failed";
  attest::Evidence evidence =
      TRY(verify::evidence_of_attestation(csr.attestation).within("{}", failed));
  auto proven =
      outside_.prove(evidence, attest::ratls_report_data(csr.public_key), *state_->policy);
  if (proven) return Applicant{std::move(evidence.attestation), *std::move(proven)};
  Error error = std::move(proven).error().within(failed);
  kms::AuditRecord record = record_of("SignCert");
  record.allowed = false;
  record.reason = error.message();
  TRY(write_down(record));
  return error;
}

} // namespace dstack::kmsapi
