#include "attest/attestation_forms.hpp"
#include "attest/msgpack.hpp"
#include "base/text.hpp"

#include <algorithm>

namespace dstack::attest {

namespace {

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

/// The members a map must have; the reader refuses any that comes twice, so counting is enough.
class Wanted {
public:
  Wanted(std::initializer_list<std::string_view> keys) : keys_(keys) {}
  explicit Wanted(std::vector<std::string_view> keys) : keys_(std::move(keys)) {}
  /// Whether the key is one of them.
  bool note(std::string_view key) { return std::erase(keys_, key) > 0; }
  Status finish() const
  {
    if (keys_.empty()) return ok();
    return fail(Errc::malformed, "no '{}'", keys_.front());
  }

private:
  std::vector<std::string_view> keys_;
};

Result<TdxEvent> read_event(MsgpackReader& in)
{
  TdxEvent out;
  Wanted wanted{"imr", "event_type", "event", "event_payload"};
  TRY(in.map([&](const std::string& key) -> Status {
    wanted.note(key);
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
  TRY(wanted.finish());
  TRY(check_event(out));
  return out;
}

Result<RuntimeEvent> read_runtime_event(MsgpackReader& in)
{
  RuntimeEvent out;
  Wanted wanted{"event", "payload"};
  TRY(in.map([&](const std::string& key) -> Status {
    wanted.note(key);
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
  TRY(wanted.finish());
  return out;
}

struct Kind {
  std::string_view name{};
  Platform platform = Platform::tdx;
  /// What its data must have, the evidence first.
  std::array<std::string_view, 3> members{};
};
constexpr std::array<Kind, 5> kinds{
    {{"tdx", Platform::tdx, {"quote", "event_log"}},
     {"gcp-tdx", Platform::gcp_tdx, {"quote", "event_log", "tpm_quote"}},
     {"nitro-enclave", Platform::nitro_enclave, {"nsm_quote"}},
     {"aws-nitro-tpm", Platform::aws_nitro_tpm, {"attestation_doc"}},
     {"sev-snp", Platform::amd_sev_snp, {"report", "cert_chain", "mr_config"}}}};

Wanted members_of(const Kind& kind)
{
  std::vector<std::string_view> keys{kind.members.begin(), kind.members.end()};
  std::erase(keys, std::string_view{});
  return Wanted{std::move(keys)};
}

/// What the kind does not have is passed over, as is the TPM quote, which nothing here can judge.
Status read_platform_data(MsgpackReader& in, const Kind& kind, Attestation& out)
{
  Wanted wanted = members_of(kind);
  TRY(in.map([&](const std::string& key) -> Status {
    if (!wanted.note(key)) return in.skip();
    if (key == kind.members.front()) {
      out.quote = TRY(in.bytes());
    } else if (key == "event_log") {
      return in.array(max_events, [&]() -> Status {
        out.event_log.push_back(TRY(read_event(in)));
        return ok();
      });
    } else if (key == "cert_chain") {
      return in.array(max_certificates, [&]() -> Status {
        out.certificates.push_back(TRY(in.bytes()));
        return ok();
      });
    } else if (key == "mr_config") {
      out.mr_config = TRY(in.text());
    } else {
      return in.skip();
    }
    return ok();
  }));
  return wanted.finish();
}

/// {kind, data}: data may only be read once the kind is known, as encoders write them.
Status read_platform(MsgpackReader& in, Attestation& out)
{
  const Kind* kind = nullptr;
  Wanted wanted{"kind", "data"};
  TRY(in.map([&](const std::string& key) -> Status {
    wanted.note(key);
    if (key == "kind") {
      const std::string name = TRY(in.text());
      const auto at = std::find_if(kinds.begin(), kinds.end(),
                                   [&](const Kind& one) { return one.name == name; });
      if (at == kinds.end()) return fail(Errc::malformed, "unknown platform '{}'", printable(name));
      kind = &*at;
      out.platform = kind->platform;
      return ok();
    }
    if (key != "data") return in.skip();
    if (kind == nullptr) return fail(Errc::malformed, "platform data before its kind");
    return read_platform_data(in, *kind, out);
  }));
  return wanted.finish();
}

Status read_stack_data(MsgpackReader& in, Attestation& out)
{
  Wanted wanted{"report_data", "runtime_events", "config"};
  TRY(in.map([&](const std::string& key) -> Status {
    wanted.note(key);
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
  }));
  return wanted.finish();
}

Status read_stack(MsgpackReader& in, Attestation& out)
{
  std::string kind;
  Wanted wanted{"kind", "data"};
  TRY(in.map([&](const std::string& key) -> Status {
    wanted.note(key);
    if (key == "data") return read_stack_data(in, out);
    if (key != "kind") return in.skip();
    kind = TRY(in.text());
    return ok();
  }));
  TRY(wanted.finish());
  if (kind != "dstack" && kind != "dstack-pod")
    return fail(Errc::malformed, "unknown stack '{}'", printable(kind));
  if (kind == "dstack") out.app_data.reset(); // a member that this kind does not have
  if (kind == "dstack-pod" && !out.app_data)
    return fail(Errc::malformed, "no 'report_data_payload'");
  return ok();
}

/// dstack-pod: report data is SHA-512 of "app-data:" and the payload (spec guest 9, 10.2).
Status check_app_data(const Attestation& a)
{
  if (!a.app_data) return ok();
  const auto want = crypto::sha512(concat({as_bytes("app-data:"), as_bytes(*a.app_data)}));
  if (a.report_data == want) return ok();
  return fail(Errc::untrusted, "report data is not the hash of the payload that comes with it");
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

} // namespace

Result<Attestation> parse_v1(ByteView raw)
{
  MsgpackReader in{raw};
  Attestation out;
  Wanted wanted{"version", "platform", "stack"};
  TRY(in.map([&](const std::string& key) -> Status {
    wanted.note(key);
    if (key == "platform") return read_platform(in, out).within("platform");
    if (key == "stack") return read_stack(in, out).within("stack");
    if (key != "version") return in.skip();
    const std::uint64_t version = TRY(in.number());
    if (version != 1) return fail(Errc::unsupported, "version {} (want 1)", version);
    return ok();
  }));
  TRY(in.finish());
  TRY(wanted.finish());
  out.version = 1;
  TRY(check_app_data(out));
  return out;
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

} // namespace dstack::attest
