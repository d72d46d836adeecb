#include "attest/attestation_forms.hpp"
#include "attest/scale.hpp"

#include <algorithm>

namespace dstack::attest {

namespace {

constexpr std::size_t max_tpm_registers = 64;

Result<TdxEvent> read_event(ScaleReader& in)
{
  TdxEvent out;
  out.imr = TRY(in.u32());
  out.type = TRY(in.u32());
  out.digest = TRY(digest_from(TRY(in.bytes())));
  out.name = TRY(in.text());
  out.payload = to_bytes(TRY(in.bytes()));
  TRY(check_event(out));
  return out;
}

/// message, signature, PCR values, key certificate, platform, log: nothing here can judge them, so
/// they are only passed over (spec guest 10.1).
Status pass_tpm_quote(ScaleReader& in)
{
  TRY(in.bytes());
  TRY(in.bytes());
  const std::size_t registers = TRY(in.count(max_tpm_registers));
  for (std::size_t i = 0; i < registers; ++i) {
    TRY(in.u32());
    TRY(in.text());
    TRY(in.bytes());
  }
  TRY(in.bytes());
  const std::uint8_t platform = TRY(in.u8());
  if (platform > 3) return fail(Errc::malformed, "platform {} (want 0 to 3)", platform);
  const std::size_t events = TRY(in.count(max_events));
  for (std::size_t i = 0; i < events; ++i) {
    TRY(in.u32());
    TRY(in.bytes());
  }
  return ok();
}

Status read_quote_v0(ScaleReader& in, Attestation& out)
{
  const std::uint8_t variant = TRY(in.u8());
  if (variant > static_cast<std::uint8_t>(Platform::aws_nitro_tpm))
    return fail(Errc::malformed, "quote variant {} (want 0 to 4)", variant);
  out.platform = static_cast<Platform>(variant);
  out.quote = to_bytes(TRY(in.bytes()));
  if (out.platform == Platform::tdx || out.platform == Platform::gcp_tdx) {
    const std::size_t count = TRY(in.count(max_events));
    for (std::size_t i = 0; i < count; ++i)
      out.event_log.push_back(TRY(read_event(in).within("event {}", i)));
  }
  if (out.platform == Platform::gcp_tdx) TRY(pass_tpm_quote(in).within("TPM quote"));
  if (out.platform == Platform::amd_sev_snp) {
    const std::size_t count = TRY(in.count(max_certificates));
    for (std::size_t i = 0; i < count; ++i)
      out.certificates.push_back(to_bytes(TRY(in.bytes())));
    out.mr_config = TRY(in.text());
  }
  return ok();
}

} // namespace

Result<Attestation> parse_v0(ByteView raw)
{
  ScaleReader in{raw};
  Attestation out;
  out.version = TRY(in.u8());
  TRY(read_quote_v0(in, out).within("quote"));
  const std::size_t count = TRY(in.count(max_events));
  for (std::size_t i = 0; i < count; ++i) {
    RuntimeEvent event;
    event.name = TRY(in.text());
    event.payload = to_bytes(TRY(in.bytes()));
    out.runtime_events.push_back(std::move(event));
  }
  const ByteView data = TRY(in.fixed(out.report_data.size()).within("report data"));
  std::copy(data.begin(), data.end(), out.report_data.begin());
  out.config = TRY(in.text().within("config"));
  TRY(in.finish());
  return out;
}

Bytes encode_v0(const Attestation& a)
{
  ScaleWriter out;
  out.u8(0).u8(static_cast<std::uint8_t>(a.platform)).bytes(a.quote);
  if (a.platform == Platform::tdx) {
    out.count(a.event_log.size());
    for (const TdxEvent& event : a.event_log) {
      out.u32(event.imr).u32(event.type);
      out.bytes(event.digest ? ByteView{*event.digest} : ByteView{});
      out.text(event.name).bytes(event.payload);
    }
  }
  if (a.platform == Platform::amd_sev_snp) {
    out.count(a.certificates.size());
    for (const Bytes& certificate : a.certificates)
      out.bytes(certificate);
    out.text(a.mr_config);
  }
  out.count(a.runtime_events.size());
  for (const RuntimeEvent& event : a.runtime_events)
    out.text(event.name).bytes(event.payload);
  return out.fixed(a.report_data).text(a.config).take();
}

} // namespace dstack::attest
