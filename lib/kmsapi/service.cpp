#include "kmsapi/service.hpp"

#include "kmsapi/messages.hpp"
#include "x509/certificate.hpp"

namespace dstack::kmsapi {

using codec::Json;

namespace {

std::string_view title_of(kms::Role role)
{
  return role == kms::Role::app ? "App" : "KMS";
}

} // namespace

Call::Call(const Outside& outside,
           const Arrangement& arrangement,
           std::shared_ptr<const State> state,
           Caller caller)
    : outside_(outside), arrangement_(arrangement), state_(std::move(state)),
      caller_(std::move(caller))
{
}

std::string Call::root_ca_pem() const
{
  return x509::to_pem(root().open.root_ca);
}

Status Call::self_authorized() const
{
  constexpr std::string_view what = "KMS self authorization failed";
  if (!arrangement_.self_authorization) return ok();
  if (!state_->self) return Error{state_->self.error()}.within(what);
  const kms::Decision decision =
      TRY(outside_.decide(*state_->policy, kms::Role::kms, **state_->self).within("{}", what));
  if (decision.allowed) return ok();
  return fail(Errc::denied, "{}: KMS is not allowed: {}", what, decision.reason);
}

Result<const verify::Proven*> Call::attested(kms::Role role) const
{
  if (caller_.proven) return caller_.proven.get();
  return fail(Errc::denied, "{} not allowed: No attestation provided", title_of(role));
}

Status Call::gate(const kms::BootInfo& info) const
{
  if (info.tee_variant == "dstack-amd-sev-snp" && !arrangement_.release_sev_snp)
    return fail(Errc::denied, "amd sev-snp key release is not enabled");
  return ok();
}

Status Call::write_down(const kms::AuditRecord& record) const
{
  return outside_.record(record).within("audit log");
}

Status Call::admitted(std::string_view event) const
{
  const Status allowed = self_authorized();
  if (allowed) return ok();
  kms::AuditRecord record = record_of(event);
  record.allowed = false;
  record.reason = allowed.error().message();
  TRY(write_down(record));
  return allowed.error();
}

kms::AuditRecord Call::record_of(std::string_view event) const
{
  kms::AuditRecord out;
  out.event = event;
  out.peer = caller_.address;
  if (!state_->policy_digest.empty()) out.details.emplace_back("policy", state_->policy_digest);
  return out;
}

Result<Call::Granted> Call::weigh(const Matter& matter, kms::AuditRecord& record) const
{
  Granted out;
  const auto who = title_of(matter.role);
  out.info = TRY(
      boot_info_of(*matter.proven, matter.vm_config, matter.replay).within("{} not allowed", who));
  record.caller = out.info;
  out.decision =
      TRY(outside_.decide(*state_->policy, matter.role, out.info).within("{} not allowed", who));
  if (!out.decision.allowed)
    return fail(Errc::denied, "{} not allowed: Boot denied: {}", who, out.decision.reason);
  const kms::Decision image = kms::judge_image(*state_->policy, out.info);
  if (!image.allowed) return fail(Errc::denied, "{} not allowed: {}", who, image.reason);
  TRY(gate(out.info));
  return out;
}

Result<Call::Granted> Call::judge(const Matter& matter) const
{
  kms::AuditRecord record = record_of(matter.event);
  record.role = matter.role;
  auto granted = weigh(matter, record);
  record.allowed = bool(granted);
  if (granted)
    record.epoch = granted->decision.epoch;
  else
    record.reason = granted.error().message();
  TRY(write_down(record));
  return granted;
}

Result<Json> Call::get_app_key(const Json& params) const
{
  const std::uint64_t version = TRY(params.get_u64("api_version", 0));
  if (version > 1) return fail(Errc::unsupported, "Unsupported API version: {}", version);
  TRY(admitted("GetAppKey"));
  const verify::Proven* proven = TRY(attested(kms::Role::app));
  const Granted granted = TRY(
      judge({"GetAppKey", kms::Role::app, proven, TRY(params.get_string("vm_config", "")), {}}));
  const kms::BootInfo& info = granted.info;
  const keys::RootKeys& from =
      *TRY(vault::derivation_roots(root().material, granted.decision.epoch));
  const auto disk = TRY(keys::disk_crypt_key(from, info.app_id, info.instance_id));
  const auto env = TRY(keys::env_crypt_key(from, info.app_id));
  const auto k256 = TRY(keys::app_k256_key(from, info.app_id));
  const auto signature =
      TRY(keys::sign_app_key(root().material.root, info.app_id, TRY(crypto::k256_public(k256))));
  Json out;
  out.set("ca_cert", root_ca_pem());
  out.set("disk_crypt_key", hex(disk.view()));
  out.set("env_crypt_key", hex(env.view()));
  out.set("k256_key", hex(k256.view()));
  out.set("k256_signature", hex(signature));
  out.set("tproxy_app_id", granted.decision.gateway_app_id);
  out.set("gateway_app_id", granted.decision.gateway_app_id);
  out.set("os_image_hash", hex(info.os_image_hash));
  if (granted.decision.epoch != 0) out.set("epoch", granted.decision.epoch);
  return out;
}

Result<Json> Call::get_kms_key(const Json& params) const
{
  TRY(admitted("GetKmsKey"));
  const verify::Proven* proven = TRY(attested(kms::Role::kms));
  const Granted granted = TRY(
      judge({"GetKmsKey", kms::Role::kms, proven, TRY(params.get_string("vm_config", "")), {}}));
  TRY(outside_.replicated(*state_, caller_, granted.info).within("replication log"));
  const vault::RootMaterial& material = root().material;
  Json keys = Json::array();
  keys.push(Json{}
                .set("ca_key", material.root.ca.pkcs8_pem())
                .set("k256_key", hex(material.root.k256.view())));
  Json out;
  out.set("temp_ca_key", material.temp_ca.pkcs8_pem()).set("keys", std::move(keys));
  if (material.epochs.empty()) return out;
  Json epochs = Json::array();
  for (const vault::EpochSecret& one : material.epochs)
    epochs.push(Json{}
                    .set("epoch", one.epoch)
                    .set("seed", hex(one.seed.view()))
                    .set("created_at", one.created_at));
  out.set("epochs", std::move(epochs));
  return out;
}

Result<Json> Call::get_app_env_encrypt_pub_key(const Json& params) const
{
  TRY(self_authorized());
  const std::string text = TRY(params.get_string("app_id", ""));
  const Bytes app_id = TRY(parse_hex(text));
  if (app_id.size() != 20) return fail(Errc::malformed, "app_id must be 20 bytes");
  const kms::AppRule* rule = state_->policy->find_app(text);
  const keys::RootKeys& from =
      *TRY(vault::derivation_roots(root().material, rule != nullptr ? rule->epoch : 0));
  const auto key = crypto::x25519_public(TRY(keys::env_crypt_key(from, app_id)));
  const auto now = static_cast<std::uint64_t>(outside_.now().seconds());
  const keys::RootKeys& signer = root().material.root;
  Json out;
  out.set("public_key", hex(key));
  out.set("signature", hex(TRY(keys::sign_env_key(signer, app_id, key, std::nullopt))));
  out.set("timestamp", now);
  out.set("signature_v1", hex(TRY(keys::sign_env_key(signer, app_id, key, now))));
  return out;
}

Result<Json> Call::get_meta() const
{
  const kms::Policy& policy = *state_->policy;
  Json out;
  out.set("ca_cert", root_ca_pem());
  // Here every app needs a rule, whatever else is allowed.
  out.set("allow_any_upgrade", false);
  out.set("k256_pubkey", hex(root().open.k256));
  out.set("bootstrap_info", state_->bootstrap_info);
  out.set("is_dev", arrangement_.development || policy.evidence.simulated ||
                        !arrangement_.self_authorization);
  out.set("gateway_app_id", policy.gateway_app_id);
  out.set("kms_contract_address", Json{}).set("chain_id", Json{});
  out.set("app_auth_implementation", Json{});
  if (policy.chain) { // everybody may ask this, so the node is not
    if (policy.gateway_app_id.empty()) out.set("gateway_app_id", Json{});
    out.set("kms_contract_address", policy.chain->contract);
    out.set("chain_id", policy.chain->chain_id);
  }
  if (policy.webhook) {
    const kms::WebhookInfo info = TRY(outside_.webhook_info(policy));
    out.set("gateway_app_id", info.gateway_app_id);
    out.set("kms_contract_address", info.kms_contract_address);
    out.set("chain_id", info.chain_id);
    out.set("app_auth_implementation", info.app_implementation);
  }
  if (root().open.current_epoch() == 0) return out;
  Json epochs = Json::array();
  for (const vault::EpochInfo& one : root().open.epochs)
    epochs.push(Json{}.set("epoch", one.epoch).set("created_at", one.created_at));
  out.set("epochs", std::move(epochs));
  return out;
}

Result<Json> Call::get_temp_ca_cert() const
{
  TRY(self_authorized());
  if (arrangement_.self_authorization) TRY(gate(**state_->self));
  return Json{}
      .set("temp_ca_cert", x509::to_pem(root().open.temp_ca))
      .set("temp_ca_key", root().material.temp_ca.pkcs8_pem())
      .set("ca_cert", root_ca_pem());
}

Result<Json> Call::release_share(const Json& params) const
{
  TRY(admitted("Custody.Release"));
  const verify::Proven* proven = TRY(attested(kms::Role::kms));
  const Bytes cluster = TRY(parse_hex(TRY(params.get_string("cluster", ""))));
  static_cast<void>(TRY(judge(
      {"Custody.Release", kms::Role::kms, proven, TRY(params.get_string("vm_config", "")), {}})));
  return Json{}.set("share", TRY(outside_.held_share(cluster)));
}

rpc::Service service_for(const Outside& outside,
                         const Arrangement& arrangement,
                         std::shared_ptr<const State> state,
                         Caller caller,
                         std::string_view method)
{
  namespace m = messages;
  rpc::Service out;
  out.mount = "/prpc/";
  out.trimmed_prefix = "KMS.";
  const bool sealed = state->root == nullptr;
  const auto call =
      std::make_shared<const Call>(outside, arrangement, std::move(state), std::move(caller));
  const auto add = [&](std::string name, const m::Fields& request, const m::Fields& answer,
                       rpc::Method::Run run) {
    if (name != method) return;
    if (sealed)
      run = [](const Json&) -> Result<Json> {
        return fail(Errc::denied, "the KMS is sealed: GET /unseal says what it waits for");
      };
    out.methods[std::move(name)] = rpc::Method{request, answer, std::move(run)};
  };
  add("GetAppKey", m::get_app_key(), m::app_key(),
      [call](const Json& params) { return call->get_app_key(params); });
  add("GetKmsKey", m::get_kms_key(), m::kms_key(),
      [call](const Json& params) { return call->get_kms_key(params); });
  add("GetAppEnvEncryptPubKey", m::app_id(), m::public_key(),
      [call](const Json& params) { return call->get_app_env_encrypt_pub_key(params); });
  add("GetMeta", m::none(), m::meta(), [call](const Json&) { return call->get_meta(); });
  add("GetTempCaCert", m::none(), m::temp_ca_cert(),
      [call](const Json&) { return call->get_temp_ca_cert(); });
  add("SignCert", m::sign_cert(), m::certificate_chain(),
      [call](const Json& params) { return call->sign_cert(params); });
  add("Custody.Release", m::release_share(), m::share(),
      [call](const Json& params) { return call->release_share(params); });
  return out;
}

} // namespace dstack::kmsapi
