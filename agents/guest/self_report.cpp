#include "guest/self_report.hpp"

#include "crypto/hash.hpp"
#include "dcap/quote.hpp"

#include <algorithm>

namespace dstack::guest {

namespace {

using codec::Json;

/// device_id inside the guest is this constant on TDX: the platform is only known to a verifier.
std::string device_id()
{
  return hex(crypto::sha256({}));
}

} // namespace

Json version_answer()
{
  Json out;
  out.set("version", os_api_version).set("rev", "unknown");
  return out;
}

Result<ReportData> parse_report_data(std::string_view text)
{
  while (text.starts_with("0x"))
    text.remove_prefix(2);
  ReportData out{};
  const Bytes given = TRY(parse_hex(text).within("report_data"));
  if (given.size() > out.size()) return fail(Errc::malformed, "Report data is too long");
  std::copy(given.begin(), given.end(), out.begin());
  return out;
}

Result<attest::TdxRegisters> SelfReport::registers()
{
  if (!registers_) {
    const Bytes raw = TRY(quote_(ReportData{}).within("quote"));
    const dcap::TdReport td = TRY(dcap::parse_quote(raw).within("quote")).td;
    registers_ =
        attest::TdxRegisters{td.mrtd, td.rtmr, td.mr_config_id, td.mr_owner, td.mr_owner_config};
  }
  return *registers_;
}

Result<std::string> SelfReport::tcb_info()
{
  const attest::TdxRegisters is = TRY(registers());
  Json out;
  out.set("app_compose", inputs_.app_compose);
  out.set("compose_hash", hex(inputs_.identity.compose_hash));
  out.set("device_id", device_id());
  out.set("event_log", attest::to_json(inputs_.log));
  out.set("mr_aggregated", hex(attest::mr_aggregated(is)));
  out.set("mrtd", hex(is.mrtd));
  out.set("os_image_hash", inputs_.config.os_image_hash);
  for (std::size_t i = 0; i < is.rtmr.size(); ++i)
    out.set(fmt::format("rtmr{}", i), hex(is.rtmr[i]));
  codec::JsonStyle style;
  style.indent = 2;
  return codec::write_json(out, style);
}

Result<Json> SelfReport::info()
{
  const Identity& who = inputs_.identity;
  Json out;
  out.set("app_id", hex(who.app_id)).set("instance_id", hex(who.instance_id));
  out.set("app_cert", "");
  out.set("tcb_info", TRY(tcb_info()));
  out.set("app_name", inputs_.app_name);
  out.set("device_id", device_id());
  out.set("mr_aggregated", hex(attest::mr_aggregated(TRY(registers()))));
  out.set("os_image_hash", inputs_.config.os_image_hash);
  out.set("key_provider_info", inputs_.key_provider);
  out.set("compose_hash", hex(who.compose_hash));
  out.set("vm_config", inputs_.config.vm_config);
  out.set("cloud_vendor", inputs_.cloud_vendor);
  out.set("cloud_product", inputs_.cloud_product);
  return out;
}

Result<Json> SelfReport::host_info()
{
  Json out = TRY(info());
  out.set("version", os_api_version);
  if (!inputs_.public_tcbinfo) out.set("tcb_info", "");
  return out;
}

Result<Json> SelfReport::get_quote(const Json& params) const
{
  return quote_json(TRY(parse_report_data(TRY(params.get_string("report_data", "")))));
}

Result<Json> SelfReport::host_quote(const Json& params) const
{
  const Bytes nonce = TRY(parse_hex(TRY(params.get_string("nonce", ""))).within("nonce"));
  if (nonce.size() > sizeof(ReportData)) return fail(Errc::malformed, "nonce is too long");
  Json out = TRY(quote_json(attest::host_quote_report_data(nonce)));
  return std::move(out.set("nonce", hex(nonce)));
}

Result<Json> SelfReport::quote_json(const ReportData& data) const
{
  const Bytes quote = TRY(quote_(data).within("quote"));
  std::vector<attest::TdxEvent> log = inputs_.log;
  for (attest::TdxEvent& event : log)
    if (event.imr != attest::runtime_register && as_text(event.payload) != "ACPI DATA")
      event.payload.clear(); // firmware events are long, their digest is enough
  Json out;
  out.set("quote", hex(quote));
  out.set("event_log", codec::write_json(attest::to_json(log)));
  out.set("report_data", hex(data));
  out.set("vm_config", inputs_.config.vm_config);
  return out;
}

} // namespace dstack::guest
