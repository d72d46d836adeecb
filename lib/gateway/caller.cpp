#include "gateway/caller.hpp"

#include "attest/ratls.hpp"

namespace dstack::gateway {

namespace {

attest::AppInfo info_of(const verify::Proven& proven)
{
  attest::AppInfo out;
  out.app_id = proven.identity->app_id;
  out.compose_hash = proven.identity->compose_hash;
  out.instance_id = proven.identity->instance_id;
  out.device_id = proven.subject.platform_id;
  out.os_image_hash = proven.identity->os_image_hash;
  out.key_provider = to_text(proven.identity->key_provider);
  out.init_script_hashes = proven.identity->init_script_hashes;
  return out;
}

Status check_same(const attest::AppInfo& said, const attest::AppInfo& proven)
{
  if (said.app_id == proven.app_id && said.instance_id == proven.instance_id &&
      said.compose_hash == proven.compose_hash)
    return ok();
  return fail(Errc::denied, "the certificate's app info is another's than its attestation");
}

} // namespace

Result<Claim> read_claim(ByteView certificate_der)
{
  Claim out;
  if (certificate_der.empty()) return out;
  const auto marks = TRY(attest::certificate_marks(certificate_der).within("client certificate"));
  out.spki = marks.spki;
  out.app_id = marks.app_id;
  if (!marks.app_info.empty())
    out.app_info = TRY(attest::parse_app_info(marks.app_info).within("client certificate"));
  if (out.app_info && !out.app_id.empty() && out.app_info->app_id != out.app_id)
    return fail(Errc::denied, "the client certificate is for app {}, its app info is of app {}",
                hex(out.app_id), hex(out.app_info->app_id));
  if (marks.attested)
    out.evidence = TRY(verify::evidence_of_certificate(certificate_der).within("invalid quote"));
  return out;
}

Result<Caller> identify(const Claim& claim, const Prove& prove)
{
  Caller out{claim.app_id, claim.app_info};
  if (!claim.evidence) return out;
  const auto proven =
      TRY(prove(*claim.evidence, attest::ratls_report_data(claim.spki)).within("invalid quote"));
  const attest::AppInfo info = info_of(proven);
  if (!claim.app_id.empty() && claim.app_id != info.app_id)
    return fail(Errc::denied, "the client certificate is for app {}, its attestation is of app {}",
                hex(claim.app_id), hex(info.app_id));
  if (out.app) TRY(check_same(*out.app, info));
  if (!out.app) out.app = info;
  return out;
}

} // namespace dstack::gateway
