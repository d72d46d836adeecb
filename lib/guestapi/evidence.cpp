#include "guestapi/evidence.hpp"

#include "attest/identity.hpp"
#include "crypto/hash.hpp"
#include "dcap/quote.hpp"

#include <algorithm>

namespace dstack::guestapi {

using codec::Json;

Bytes unverified_device_id()
{
  const auto digest = crypto::sha256({});
  return to_bytes(ByteView{digest});
}

Result<ReportData> padded_report_data(ByteView given)
{
  ReportData out{};
  if (given.size() > out.size()) return fail(Errc::malformed, "Report data is too long");
  std::copy(given.begin(), given.end(), out.begin());
  return out;
}

Result<attest::Attestation> Evidence::attestation(const ReportData& data) const
{
  attest::Attestation out;
  out.quote = TRY(quote_(data).within("quote"));
  out.event_log = facts_.log;
  out.runtime_events = attest::runtime_events_of(facts_.log);
  out.report_data = data;
  out.config = facts_.vm_config;
  return out;
}

Result<attest::TdxRegisters> Evidence::registers()
{
  if (!registers_) {
    const Bytes raw = TRY(quote_(ReportData{}).within("quote"));
    const dcap::TdReport td = TRY(dcap::parse_quote(raw).within("quote")).td;
    registers_ =
        attest::TdxRegisters{td.mrtd, td.rtmr, td.mr_config_id, td.mr_owner, td.mr_owner_config};
  }
  return *registers_;
}

Result<std::string> Evidence::tcb_info()
{
  if (!tcb_info_.empty()) return tcb_info_;
  const attest::TdxRegisters is = TRY(registers());
  std::vector<attest::TdxEvent> log = facts_.log;
  for (attest::TdxEvent& event : log)
    event.preimage.clear(); // spec guest 11.2
  Json out;
  out.set("app_compose", facts_.app_compose);
  out.set("compose_hash", hex(facts_.compose_hash));
  out.set("device_id", hex(unverified_device_id()));
  out.set("event_log", attest::to_json(log));
  out.set("mr_aggregated", hex(attest::mr_aggregated(is)));
  out.set("mrtd", hex(is.mrtd));
  out.set("os_image_hash", facts_.os_image_hash);
  for (std::size_t i = 0; i < is.rtmr.size(); ++i)
    out.set(fmt::format("rtmr{}", i), hex(is.rtmr[i]));
  codec::JsonStyle style;
  style.indent = 2;
  tcb_info_ = codec::write_json(out, style);
  return tcb_info_;
}

Result<Json> Evidence::info(std::string_view app_cert)
{
  Json out;
  out.set("app_id", hex(facts_.app_id)).set("instance_id", hex(facts_.instance_id));
  out.set("app_cert", app_cert);
  out.set("tcb_info", TRY(tcb_info()));
  out.set("app_name", facts_.app_name);
  out.set("device_id", hex(unverified_device_id()));
  out.set("mr_aggregated", hex(attest::mr_aggregated(TRY(registers()))));
  out.set("os_image_hash", facts_.os_image_hash);
  out.set("key_provider_info", facts_.key_provider);
  out.set("compose_hash", hex(facts_.compose_hash));
  out.set("vm_config", facts_.vm_config);
  out.set("cloud_vendor", facts_.cloud_vendor);
  out.set("cloud_product", facts_.cloud_product);
  return out;
}

Result<Json> Evidence::public_info(std::string_view app_cert)
{
  Json out = TRY(info(app_cert));
  if (!facts_.public_tcbinfo) out.set("tcb_info", "").set("vm_config", "");
  return out;
}

Result<Json> Evidence::quote_answer(const ReportData& data) const
{
  const Bytes quote = TRY(quote_(data).within("quote"));
  std::vector<attest::TdxEvent> log = facts_.log;
  // Firmware events are long and their digest is enough. Runtime events keep theirs: published
  // clients replay the digests (spec guest 2.3).
  for (attest::TdxEvent& event : log)
    if (event.imr != attest::runtime_register && as_text(event.payload) != "ACPI DATA")
      event.payload.clear();
  Json out;
  out.set("quote", hex(quote));
  out.set("event_log", codec::write_json(attest::to_json(log)));
  out.set("report_data", hex(data));
  out.set("vm_config", facts_.vm_config);
  return out;
}

Result<Json> Evidence::host_quote(ByteView nonce) const
{
  if (nonce.size() > sizeof(ReportData)) return fail(Errc::malformed, "nonce is too long");
  Json out = TRY(quote_answer(attest::host_quote_report_data(nonce)));
  return std::move(out.set("nonce", hex(nonce)));
}

} // namespace dstack::guestapi
