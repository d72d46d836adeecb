#include "guest/kms_keys.hpp"

#include "guestapi/boot_events.hpp"

namespace dstack::guest {

kmsclient::Attest attestations(tee::Tee& tee,
                               std::vector<attest::TdxEvent> log,
                               const std::vector<attest::RuntimeEvent>& events,
                               const std::string& vm_config)
{
  for (const attest::RuntimeEvent& event : events)
    log.push_back(attest::to_tdx_event(event));
  return [&tee, log = std::move(log), events,
          vm_config](const kmsclient::ReportData& data) -> Result<attest::Attestation> {
    attest::Attestation out;
    out.quote = TRY(tee.quote(data).within("quote"));
    out.event_log = log;
    out.runtime_events = events;
    out.report_data = data;
    out.config = vm_config;
    return out;
  };
}

kmsclient::Reach kms_reach(const SysConfig& config)
{
  kmsclient::Reach out;
  if (config.network) out.dns = {config.network->dns};
  return out;
}

Result<KmsKeys> request_kms_keys(kmsclient::Attest attest,
                                 const compose::AppCompose& app,
                                 const Identity& identity,
                                 const SysConfig& config,
                                 Time now)
{
  kmsclient::AppQuestion question;
  question.urls = TRY(kmsclient::parse_urls(config.kms_urls));
  question.pin = app.key_provider_id;
  question.app_id = to_bytes(ByteView{identity.app_id});
  question.vm_config = config.vm_config;
  question.attest = std::move(attest);
  auto answer = TRY(kmsclient::request_app_keys(question, kms_reach(config), now));
  KmsKeys out;
  out.app.disk_crypt_key = std::move(answer.keys.disk_crypt_key);
  out.app.k256_key = std::move(answer.keys.k256_key);
  out.app.k256_signature = to_bytes(ByteView{answer.keys.k256_signature});
  out.env_crypt_key = std::move(answer.keys.env_crypt_key);
  out.os_image_hash = std::move(answer.keys.os_image_hash);
  out.provider = guestapi::key_provider_payload("kms", answer.kms.root.spki);
  out.gateway_app_id = std::move(answer.keys.gateway_app_id);
  out.epoch = answer.keys.epoch;
  out.kms = std::move(answer.kms);
  return out;
}

} // namespace dstack::guest
