#include "verify/reference_api.hpp"

#include "codec/json_list.hpp"

#include <algorithm>

namespace dstack::verify {

namespace {

using codec::Json;

bool passed(const Verdict& verdict, std::string_view id)
{
  return std::any_of(verdict.checks.begin(), verdict.checks.end(), [&](const Check& check) {
    return check.id == id && check.outcome == Outcome::passed;
  });
}

/// An image counts as verified when its registers, not only its name, were found in the quote.
bool image_verified(const Verdict& verdict)
{
  return passed(verdict, "image.hash") &&
         (passed(verdict, "image.mrtd") || passed(verdict, "image.measurement"));
}

struct AppInfo {
  attest::Identity identity{};
  std::string device_id{};
  std::string mr_system{};
  std::string mr_aggregated{};
  std::string os_image_hash{};
};

/// The reference has it for TDX alone.
std::optional<AppInfo> app_info_of(const attest::Evidence& evidence, const Proven& proven)
{
  if (!proven.registers || !proven.identity) return {};
  const attest::Identity& identity = *proven.identity;
  AppInfo out;
  out.identity = identity;
  out.device_id = hex(crypto::sha256(proven.subject.platform_id)); // spec kms 9.3
  out.mr_system = hex(attest::mr_system(*proven.registers, identity.key_provider));
  out.mr_aggregated = hex(attest::mr_aggregated(*proven.registers));
  out.os_image_hash = claimed_image(evidence.attestation);
  return out;
}

Json app_info_json(const AppInfo& app)
{
  return Json::object()
      .set("app_id", hex(app.identity.app_id))
      .set("compose_hash", hex(app.identity.compose_hash))
      .set("instance_id", hex(app.identity.instance_id))
      .set("device_id", app.device_id)
      .set("mr_system", app.mr_system)
      .set("mr_aggregated", app.mr_aggregated)
      .set("os_image_hash", app.os_image_hash)
      .set("key_provider_info", hex(app.identity.key_provider))
      .set("init_script_hashes", codec::list_of(app.identity.init_script_hashes, hex));
}

Json boot_info_json(const AppInfo& app, const Verdict& verdict, std::string_view variant)
{
  return Json::object()
      .set("teeVariant", variant)
      .set("mrAggregated", app.mr_aggregated)
      .set("osImageHash", app.os_image_hash)
      .set("mrSystem", app.mr_system)
      .set("appId", hex(app.identity.app_id))
      .set("composeHash", hex(app.identity.compose_hash))
      .set("instanceId", hex(app.identity.instance_id))
      .set("deviceId", app.device_id)
      .set("keyProviderInfo", hex(app.identity.key_provider))
      .set("tcbStatus", verdict.tcb_status)
      .set("advisoryIds", codec::list_of(verdict.advisory_ids));
}

Json answer(bool valid, Json details, std::string_view reason)
{
  Json out = Json::object().set("is_valid", valid).set("details", std::move(details));
  if (!reason.empty()) out.set("reason", reason);
  return out;
}

Json no_details()
{
  return Json::object()
      .set("quote_verified", false)
      .set("event_log_verified", false)
      .set("os_image_hash_verified", false)
      .set("acpi_tables_verified", false)
      .set("advisory_ids", Json::array());
}

} // namespace

Json reference_answer(const attest::Evidence& evidence, const Proven& proven)
{
  const Verdict& verdict = proven.verdict;
  const std::string_view variant = attest::name_of(evidence.attestation.platform);
  const bool quoted = passed(verdict, "tcb.level") || passed(verdict, "snp.signature");
  const bool logged = passed(verdict, "app.identity");
  Json details = no_details();
  details.set("quote_verified", quoted)
      .set("event_log_verified", logged)
      .set("os_image_hash_verified", image_verified(verdict))
      .set("simulated", verdict.simulated)
      .set("tee_variant", variant)
      .set("advisory_ids", codec::list_of(verdict.advisory_ids));
  if (quoted) {
    details.set("tcb_status", verdict.tcb_status);
    const auto quote = dcap::parse_quote(evidence.attestation.quote);
    if (quote) details.set("report_data", hex(quote->report_data()));
  }
  if (const auto app = app_info_of(evidence, proven)) {
    details.set("key_provider", Json::object()
                                    .set("name", app->identity.key_provider_name)
                                    .set("id", app->identity.key_provider_id));
    details.set("app_info", app_info_json(*app))
        .set("boot_info", boot_info_json(*app, verdict, variant));
  }
  const std::string_view stage = quoted ? "" : "Quote verification failed: ";
  const bool valid = verdict.answer == Answer::trusted;
  return answer(valid, std::move(details), valid ? "" : fmt::format("{}{}", stage, verdict.reason));
}

Json reference_refusal(std::string_view reason)
{
  return answer(false, no_details(), reason);
}

} // namespace dstack::verify
