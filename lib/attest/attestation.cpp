#include "attest/attestation.hpp"

#include "attest/msgpack.hpp"
#include "attest/scale.hpp"

#include <algorithm>

namespace dstack::attest {

namespace {

constexpr std::array<std::string_view, 5> variant_names{
    "dstack-tdx", "dstack-gcp-tdx", "dstack-nitro-enclave", "dstack-amd-sev-snp",
    "dstack-aws-nitro-tpm"};

/// A digest as events carry it: 48 bytes, or none in stripped logs.
Result<std::optional<Sha384Digest>> digest_from(ByteView raw)
{
  if (raw.empty()) return std::optional<Sha384Digest>{};
  Sha384Digest out{};
  if (raw.size() != out.size())
    return fail(Errc::malformed, "event digest of {} bytes (want 48)", raw.size());
  std::copy(raw.begin(), raw.end(), out.begin());
  return std::optional<Sha384Digest>{out};
}

Status check_event(const TdxEvent& event)
{
  if (event.imr > 3) return fail(Errc::malformed, "event for register {} (want 0 to 3)", event.imr);
  return ok();
}

// ---- V0

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

Status read_quote_v0(ScaleReader& in, Attestation& out)
{
  const std::uint8_t variant = TRY(in.u8());
  if (variant >= variant_names.size())
    return fail(Errc::malformed, "quote variant {} (want 0 to 4)", variant);
  out.platform = static_cast<Platform>(variant);
  if (out.platform == Platform::gcp_tdx)
    return fail(Errc::unsupported, "GCP's TPM quotes are not read");
  out.quote = to_bytes(TRY(in.bytes()));
  if (out.platform == Platform::tdx) {
    const std::size_t count = TRY(in.count(max_events));
    for (std::size_t i = 0; i < count; ++i)
      out.event_log.push_back(TRY(read_event(in).within("event {}", i)));
  }
  if (out.platform == Platform::amd_sev_snp) {
    constexpr std::size_t max_certificates = 8;
    const std::size_t count = TRY(in.count(max_certificates));
    for (std::size_t i = 0; i < count; ++i)
      out.certificates.push_back(to_bytes(TRY(in.bytes())));
    out.mr_config = TRY(in.text());
  }
  return ok();
}

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

// ---- V1

Result<EventVersion> event_version(std::uint64_t number)
{
  if (number == 1) return EventVersion::v1;
  if (number == 2) return EventVersion::v2;
  return fail(Errc::unsupported, "event version {} (want 1 or 2)", number);
}

Result<std::uint32_t> u32_of(MsgpackReader& in)
{
  const std::uint64_t value = TRY(in.number());
  if (value > UINT32_MAX) return fail(Errc::malformed, "{} is not 32 bits", value);
  return static_cast<std::uint32_t>(value);
}

Result<TdxEvent> read_event(MsgpackReader& in)
{
  TdxEvent out;
  TRY(in.map([&](const std::string& key) -> Status {
    if (key == "imr")
      out.imr = TRY(u32_of(in));
    else if (key == "event_type")
      out.type = TRY(u32_of(in));
    else if (key == "digest")
      out.digest = TRY(digest_from(TRY(in.bytes())));
    else if (key == "event")
      out.name = TRY(in.text());
    else if (key == "event_payload")
      out.payload = TRY(in.bytes());
    else if (key == "version")
      out.version = TRY(event_version(TRY(in.number())));
    else if (key == "preimage")
      out.preimage = to_text(TRY(in.bytes()));
    else
      return in.skip();
    return ok();
  }));
  TRY(check_event(out));
  return out;
}

Result<RuntimeEvent> read_runtime_event(MsgpackReader& in)
{
  RuntimeEvent out;
  TRY(in.map([&](const std::string& key) -> Status {
    if (key == "event")
      out.name = TRY(in.text());
    else if (key == "payload")
      out.payload = TRY(in.bytes());
    else if (key == "version")
      out.version = TRY(event_version(TRY(in.number())));
    else
      return in.skip();
    return ok();
  }));
  return out;
}

struct Kind {
  std::string_view name;
  Platform platform;
  std::string_view quote_key;
};
constexpr std::array<Kind, 5> kinds{{{"tdx", Platform::tdx, "quote"},
                                     {"gcp-tdx", Platform::gcp_tdx, "quote"},
                                     {"nitro-enclave", Platform::nitro_enclave, "nsm_quote"},
                                     {"aws-nitro-tpm", Platform::aws_nitro_tpm, "attestation_doc"},
                                     {"sev-snp", Platform::amd_sev_snp, "report"}}};

Status read_platform_data(MsgpackReader& in, Attestation& out)
{
  const auto kind = std::find_if(kinds.begin(), kinds.end(),
                                 [&](const Kind& k) { return k.platform == out.platform; });
  bool quoted = false;
  TRY(in.map([&](const std::string& key) -> Status {
    if (key == kind->quote_key) {
      out.quote = TRY(in.bytes());
      quoted = true;
      return ok();
    }
    if (key == "event_log")
      return in.array(max_events, [&]() -> Status {
        out.event_log.push_back(TRY(read_event(in)));
        return ok();
      });
    if (key == "cert_chain")
      return in.array(8, [&]() -> Status {
        out.certificates.push_back(TRY(in.bytes()));
        return ok();
      });
    if (key == "mr_config") {
      out.mr_config = TRY(in.text());
      return ok();
    }
    return in.skip();
  }));
  if (!quoted) return fail(Errc::malformed, "no '{}'", kind->quote_key);
  return ok();
}

/// {kind, data}: data may only be read once the kind is known, as encoders write them.
Status read_platform(MsgpackReader& in, Attestation& out)
{
  bool known = false;
  return in.map([&](const std::string& key) -> Status {
    if (key == "kind") {
      const std::string name = TRY(in.text());
      const auto kind =
          std::find_if(kinds.begin(), kinds.end(), [&](const Kind& k) { return k.name == name; });
      if (kind == kinds.end()) return fail(Errc::malformed, "unknown platform");
      if (kind->platform == Platform::gcp_tdx)
        return fail(Errc::unsupported, "GCP's TPM quotes are not read");
      out.platform = kind->platform;
      known = true;
      return ok();
    }
    if (key != "data") return in.skip();
    if (!known) return fail(Errc::malformed, "platform data before its kind");
    return read_platform_data(in, out);
  });
}

Status read_stack_data(MsgpackReader& in, Attestation& out)
{
  return in.map([&](const std::string& key) -> Status {
    if (key == "report_data") {
      const Bytes data = TRY(in.bytes());
      if (data.size() != out.report_data.size())
        return fail(Errc::malformed, "report data of {} bytes (want 64)", data.size());
      std::copy(data.begin(), data.end(), out.report_data.begin());
      return ok();
    }
    if (key == "runtime_events")
      return in.array(max_events, [&]() -> Status {
        out.runtime_events.push_back(TRY(read_runtime_event(in)));
        return ok();
      });
    if (key == "config") {
      out.config = TRY(in.text());
      return ok();
    }
    if (key == "report_data_payload") {
      out.app_data = TRY(in.text());
      return ok();
    }
    return in.skip();
  });
}

Status read_stack(MsgpackReader& in, Attestation& out)
{
  return in.map([&](const std::string& key) -> Status {
    if (key == "data") return read_stack_data(in, out);
    if (key != "kind") return in.skip();
    const std::string kind = TRY(in.text());
    if (kind != "dstack" && kind != "dstack-pod") return fail(Errc::malformed, "unknown stack");
    return ok();
  });
}

/// dstack-pod: report data is SHA-512 of "app-data:" and the payload (spec guest 9, 10.2).
Status check_app_data(const Attestation& a)
{
  if (!a.app_data) return ok();
  const auto want = crypto::sha512(concat({as_bytes("app-data:"), as_bytes(*a.app_data)}));
  if (a.report_data == want) return ok();
  return fail(Errc::untrusted, "report data is not the hash of the payload that comes with it");
}

Result<Attestation> parse_v1(ByteView raw)
{
  MsgpackReader in{raw};
  Attestation out;
  bool versioned = false;
  unsigned parts = 0;
  TRY(in.map([&](const std::string& key) -> Status {
    if (key == "version") {
      versioned = TRY(in.number()) == 1;
      return ok();
    }
    if (key == "platform" || key == "stack") ++parts;
    if (key == "platform") return read_platform(in, out).within("platform");
    if (key == "stack") return read_stack(in, out).within("stack");
    return in.skip();
  }));
  TRY(in.finish());
  if (!versioned || parts != 2) return fail(Errc::malformed, "no version 1, platform or stack");
  out.version = 1;
  TRY(check_app_data(out));
  return out;
}

void write_event(MsgpackWriter& out, const TdxEvent& event)
{
  const bool v2 = event.version == EventVersion::v2;
  out.map(5U + (v2 ? 1U : 0U) + (event.preimage.empty() ? 0U : 1U));
  out.text("imr").number(event.imr).text("event_type").number(event.type);
  out.text("digest").bin(event.digest ? ByteView{*event.digest} : ByteView{});
  out.text("event").text(event.name).text("event_payload").bin(event.payload);
  if (v2) out.text("version").number(2);
  if (!event.preimage.empty()) out.text("preimage").bin(as_bytes(event.preimage));
}

void write_platform(MsgpackWriter& out, const Attestation& a)
{
  out.map(2).text("kind");
  if (a.platform == Platform::tdx) {
    out.text("tdx").text("data").map(2).text("quote").numbers(a.quote);
    out.text("event_log").array(a.event_log.size());
    for (const TdxEvent& event : a.event_log)
      write_event(out, event);
    return;
  }
  out.text("sev-snp").text("data").map(3).text("report").numbers(a.quote);
  out.text("cert_chain").array(a.certificates.size());
  for (const Bytes& certificate : a.certificates)
    out.numbers(certificate);
  out.text("mr_config").text(a.mr_config);
}

Bytes encode_v1(const Attestation& a)
{
  MsgpackWriter out;
  out.map(3).text("version").number(1).text("platform");
  write_platform(out, a);
  out.text("stack").map(2).text("kind").text(a.app_data ? "dstack-pod" : "dstack");
  out.text("data").map(a.app_data ? 4 : 3).text("report_data").numbers(a.report_data);
  out.text("runtime_events").array(a.runtime_events.size());
  for (const RuntimeEvent& event : a.runtime_events) {
    const bool v2 = event.version == EventVersion::v2;
    out.map(v2 ? 3 : 2).text("event").text(event.name).text("payload").bin(event.payload);
    if (v2) out.text("version").number(2);
  }
  out.text("config").text(a.config);
  if (a.app_data) out.text("report_data_payload").text(*a.app_data);
  return out.take();
}

} // namespace

std::string_view name_of(Platform platform)
{
  return variant_names.at(static_cast<std::size_t>(platform));
}

Result<Attestation> parse_attestation(ByteView raw)
{
  if (raw.size() > max_attestation)
    return fail(Errc::malformed, "attestation of {} bytes (limit {})", raw.size(), max_attestation);
  if (raw.empty()) return fail(Errc::malformed, "empty attestation");
  if (raw[0] == 0) return parse_v0(raw).within("attestation V0");
  if (MsgpackReader::starts_map(raw[0])) return parse_v1(raw).within("attestation V1");
  return fail(Errc::malformed, "attestation starts with {:#04x} (want 00 or a MessagePack map)",
              raw[0]);
}

Bytes encode(const Attestation& attestation)
{
  DSTACK_ASSERT(attestation.platform == Platform::tdx ||
                attestation.platform == Platform::amd_sev_snp);
  const auto& events = attestation.runtime_events;
  const bool plain =
      !attestation.app_data && std::all_of(events.begin(), events.end(), [](const RuntimeEvent& e) {
        return e.version == EventVersion::v1;
      });
  return plain ? encode_v0(attestation) : encode_v1(attestation);
}

Result<std::string> vm_config_of(const Attestation& attestation)
{
  if (attestation.config.empty()) return std::string{"{}"};
  const codec::Json json = TRY(codec::parse_json(attestation.config).within("config"));
  const codec::Json* inner = json.find("vm_config");
  if (inner == nullptr || !inner->is_string()) return attestation.config;
  return inner->text().empty() ? std::string{"{}"} : inner->text();
}

} // namespace dstack::attest
