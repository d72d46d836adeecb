#include "attest/event_log.hpp"

#include <algorithm>

namespace dstack::attest {

using codec::Json;

namespace {

/// RFC 8785 for an object of plain members: keys sorted, no blanks, only needed escapes.
std::string canonical(const RuntimeEvent& event)
{
  return codec::write_json(Json{}
                               .set("name", event.name)
                               .set("payload", hex(event.payload))
                               .set("type", std::int64_t{runtime_event_type}));
}

} // namespace

Bytes preimage_of(const RuntimeEvent& event)
{
  if (event.version == EventVersion::v2) return to_bytes(canonical(event));
  return ByteWriter{}
      .u32le(runtime_event_type)
      .text(":")
      .text(event.name)
      .text(":")
      .put(event.payload)
      .take();
}

Sha384Digest digest_of(const RuntimeEvent& event)
{
  return crypto::sha384(preimage_of(event));
}

void Register::extend(const Sha384Digest& digest)
{
  value_ = crypto::sha384(concat({value_, digest}));
}

Register Register::of(const Sha384Digest& value)
{
  Register out;
  out.value_ = value;
  return out;
}

TdxEvent to_tdx_event(const RuntimeEvent& event)
{
  TdxEvent out;
  out.imr = runtime_register;
  out.type = runtime_event_type;
  out.digest = digest_of(event);
  out.name = event.name;
  out.payload = event.payload;
  out.version = event.version;
  if (event.version == EventVersion::v2) out.preimage = canonical(event);
  return out;
}

Json to_json(const TdxEvent& event)
{
  Json out = Json{}
                 .set("imr", std::int64_t{event.imr})
                 .set("event_type", std::int64_t{event.type})
                 .set("digest", event.digest ? hex(*event.digest) : std::string{})
                 .set("event", event.name)
                 .set("event_payload", hex(event.payload));
  if (event.version == EventVersion::v2) out.set("version", 2);
  if (!event.preimage.empty()) out.set("preimage", hex(as_bytes(event.preimage)));
  return out;
}

Json to_json(const std::vector<TdxEvent>& log)
{
  Json out = Json::array();
  for (const TdxEvent& event : log)
    out.push(to_json(event));
  return out;
}

namespace {

Result<EventVersion> version_of(const Json& json)
{
  const std::uint64_t version = TRY(json.get_u64("version", 1));
  if (version != 1 && version != 2)
    return fail(Errc::unsupported, "event version {} (want 1 or 2)", version);
  return version == 2 ? EventVersion::v2 : EventVersion::v1;
}

Result<TdxEvent> event_from_json(const Json& json)
{
  TdxEvent out;
  const std::uint64_t imr = TRY(json.need_u64("imr"));
  const std::uint64_t type = TRY(json.need_u64("event_type"));
  if (imr > 3) return fail(Errc::malformed, "imr {} (want 0 to 3)", imr);
  if (type > UINT32_MAX) return fail(Errc::malformed, "event type {} is not 32 bits", type);
  out.imr = static_cast<std::uint32_t>(imr);
  out.type = static_cast<std::uint32_t>(type);
  const std::string digest = TRY(json.get_string("digest", ""));
  if (!digest.empty()) out.digest = TRY(parse_hex_array<48>(digest).within("digest"));
  out.name = TRY(json.get_string("event", ""));
  out.payload = TRY(parse_hex(TRY(json.get_string("event_payload", ""))).within("event_payload"));
  out.version = TRY(version_of(json));
  out.preimage = to_text(TRY(parse_hex(TRY(json.get_string("preimage", ""))).within("preimage")));
  return out;
}

Result<Sha384Digest> checked_digest(const TdxEvent& event)
{
  if (event.imr != runtime_register || event.type != runtime_event_type) {
    if (!event.digest) return fail(Errc::untrusted, "event '{}' has no digest", event.name);
    return *event.digest;
  }
  const RuntimeEvent runtime{event.name, event.payload, event.version};
  const Sha384Digest own = digest_of(runtime);
  if (event.digest && *event.digest != own)
    return fail(Errc::untrusted, "the digest of event '{}' is not that of its payload", event.name);
  if (!event.preimage.empty() && as_text(preimage_of(runtime)) != event.preimage)
    return fail(Errc::untrusted, "the preimage of event '{}' is not its canonical form",
                event.name);
  return own;
}

} // namespace

Result<std::vector<TdxEvent>> log_from_json(const Json& json)
{
  if (!json.is_array()) return fail(Errc::malformed, "the event log is not a list");
  if (json.items().size() > max_events)
    return fail(Errc::malformed, "{} events (limit {})", json.items().size(), max_events);
  std::vector<TdxEvent> out;
  for (const Json& item : json.items())
    out.push_back(TRY(event_from_json(item).within("event {}", out.size())));
  return out;
}

Result<Sha384Digest> replay(const std::vector<TdxEvent>& log, std::uint32_t imr)
{
  Register value;
  for (const TdxEvent& event : log)
    if (event.imr == imr) value.extend(TRY(checked_digest(event)));
  return value.value();
}

std::string to_log_line(const RuntimeEvent& event)
{
  Json out = Json{}.set("event", event.name).set("payload", base64(event.payload));
  if (event.version == EventVersion::v2) out.set("version", 2);
  return codec::write_json(out);
}

Result<RuntimeEvent> from_log_line(std::string_view line)
{
  const Json json = TRY(codec::parse_json(line));
  RuntimeEvent out;
  out.name = TRY(json.need_string("event"));
  out.payload = TRY(parse_base64(TRY(json.need_string("payload"))).within("payload"));
  out.version = TRY(version_of(json));
  return out;
}

Sha256Digest empty_gpu_policy_hash()
{
  return crypto::sha256(as_bytes("{}"));
}

std::array<std::uint8_t, 64> host_quote_report_data(ByteView nonce)
{
  return crypto::sha512(concat({as_bytes("dstack-host-quote:"), nonce}));
}

Bytes mr_config_id_v1(const Sha256Digest& compose_hash)
{
  return ByteWriter{}.u8(1).put(compose_hash).zeros(15).take();
}

Sha256Digest mr_system(const TdxRegisters& registers, ByteView key_provider)
{
  const Sha256Digest provider =
      key_provider.empty() ? Sha256Digest{} : crypto::sha256(key_provider);
  return crypto::sha256(
      concat({registers.mrtd, registers.rtmr[0], registers.rtmr[1], registers.rtmr[2], provider}));
}

Sha256Digest mr_aggregated(const TdxRegisters& registers)
{
  Bytes all = concat(
      {registers.mrtd, registers.rtmr[0], registers.rtmr[1], registers.rtmr[2], registers.rtmr[3]});
  const Bytes config =
      concat({registers.mr_config_id, registers.mr_owner, registers.mr_owner_config});
  const bool any = std::any_of(config.begin(), config.end(), [](std::uint8_t b) { return b != 0; });
  if (any) all.insert(all.end(), config.begin(), config.end());
  return crypto::sha256(all);
}

} // namespace dstack::attest
