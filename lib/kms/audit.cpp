#include "kms/audit.hpp"

#include "base/calendar.hpp"
#include "kms/webhook.hpp"

#include <algorithm>

namespace dstack::kms {

namespace {

using codec::Json;

constexpr std::string_view hash_member = "hash";
constexpr codec::JsonLimits audit_limits{max_audit_line, 8, 10'000};
// What a record may hold; enough for what a KMS writes, and for no flooding of its log.
constexpr std::size_t max_audit_word = 64;
constexpr std::size_t max_peer = 256;
constexpr std::size_t max_reason = 2048;
constexpr std::size_t max_detail = 512;
constexpr std::size_t max_details = 16;
constexpr std::size_t max_audit_advisories = 64;
constexpr std::size_t max_key_provider = 2048;

/// Callers choose some of these lengths.
Json caller_json(BootInfo info)
{
  if (info.key_provider_info.size() > max_key_provider) info.key_provider_info.clear();
  if (info.advisory_ids.size() > max_audit_advisories)
    info.advisory_ids.resize(max_audit_advisories);
  for (std::string& id : info.advisory_ids)
    id = cut_text(id, max_audit_word);
  info.tcb_status = cut_text(info.tcb_status, max_audit_word);
  info.tee_variant = cut_text(info.tee_variant, max_audit_word);
  return to_record(info);
}

Json body_of(const AuditHead& head, const AuditRecord& record, Time at)
{
  Json out = Json::object()
                 .set("seq", head.lines + 1)
                 .set("time", format_utc(at))
                 .set("event", cut_text(record.event, max_audit_word));
  if (!record.peer.empty()) out.set("peer", cut_text(record.peer, max_peer));
  if (record.role) out.set("role", name_of(*record.role));
  if (record.caller) out.set("caller", caller_json(*record.caller));
  if (record.allowed) out.set("allowed", *record.allowed);
  if (!record.reason.empty()) out.set("reason", cut_text(record.reason, max_reason));
  if (record.epoch) out.set("epoch", std::uint64_t{*record.epoch});
  Json details = Json::object();
  for (const auto& [name, value] : record.details)
    if (details.members().size() < max_details)
      details.set(cut_text(name, max_audit_word), cut_text(value, max_detail));
  if (!details.members().empty()) out.set("details", std::move(details));
  return out.set("prev", hex(head.hash));
}

/// What every line states, whatever stands before it.
struct OneLine {
  Json json{};
  AuditHead head{};
  std::string prev{};
};

Result<OneLine> read_line(std::string_view line)
{
  if (line.size() > max_audit_line)
    return fail(Errc::untrusted, "{} bytes (limit {})", line.size(), max_audit_line);
  const auto parts = unsealed(line, hash_member, sizeof(crypto::Sha256Digest));
  if (!parts) return fail(Errc::untrusted, "not a record that ends in its hash");
  OneLine out;
  out.head.hash = crypto::sha256(as_bytes(parts->body));
  if (!equal(out.head.hash, parts->seal))
    return fail(Errc::untrusted, "changed: its hash is {}, not {}", hex(out.head.hash),
                hex(parts->seal));
  out.json = TRY(codec::parse_json(parts->body, audit_limits));
  out.head.lines = TRY(out.json.need_u64("seq"));
  out.head.time = TRY(parse_utc(TRY(out.json.need_string("time"))).within("time"));
  out.prev = TRY(out.json.need_string("prev"));
  static_cast<void>(TRY(out.json.need_string("event")));
  return out;
}

Status check_continues(const OneLine& line, const AuditHead& head)
{
  const std::uint64_t want = head.lines + 1;
  if (line.head.lines > want)
    return fail(Errc::untrusted, "record {} follows record {}: what was between is missing",
                line.head.lines, head.lines);
  if (line.head.lines < want)
    return fail(Errc::untrusted, "record {} follows record {}: it is there twice, or moved",
                line.head.lines, head.lines);
  if (line.prev != hex(head.hash))
    return fail(Errc::untrusted, "record {} does not continue the one before it: that was changed",
                line.head.lines);
  return ok();
}

Result<Role> role_of(std::string_view name)
{
  for (const Role one : {Role::app, Role::kms})
    if (name == name_of(one)) return one;
  return fail(Errc::unsupported, "role '{}' is of no known kind", printable(name));
}

} // namespace

AuditLine audit_line(const AuditHead& head, const AuditRecord& record, Time at)
{
  const std::string body = codec::write_json(body_of(head, record, at));
  AuditLine out;
  out.head.lines = head.lines + 1;
  out.head.hash = crypto::sha256(as_bytes(body));
  out.head.time = at.seconds();
  out.text = sealed(body, hash_member, out.head.hash);
  DSTACK_ASSERT(out.text.size() <= max_audit_line);
  return out;
}

Result<Json> AuditChain::next(std::string_view line)
{
  auto read = read_line(line);
  if (!read) {
    const bool first = head_.lines == 0;
    return Error{first ? Errc::malformed : Errc::untrusted, read.error().message()};
  }
  TRY(check_continues(*read, head_));
  if (head_.lines > 0 && read->head.time < head_.time) ++backwards_;
  head_ = read->head;
  return std::move(read->json);
}

Result<AuditSummary> verify_audit(std::string_view text, const AuditHead& from)
{
  AuditSummary out;
  AuditChain chain{from};
  const auto next = [&](std::string_view line) -> Status {
    const Json json = TRY(chain.next(line));
    if (out.first_time == 0) out.first_time = chain.head().time;
    const Json* allowed = json.find("allowed");
    if (allowed == nullptr || !allowed->is_bool()) return ok();
    ++(*allowed->as_bool() ? out.allowed : out.refused);
    return ok();
  };
  static_cast<LinesEnd&>(out) = TRY(each_line(text, next));
  out.head = chain.head();
  out.backwards = chain.backwards();
  return out;
}

Result<AuditHead> audit_head_of(std::string_view last_line)
{
  return TRY(read_line(last_line)).head;
}

Result<AuditRecord> audit_record_of(const Json& json)
{
  AuditRecord out;
  out.event = TRY(json.need_string("event"));
  out.peer = TRY(json.get_string("peer", ""));
  if (json.find("role") != nullptr) out.role = TRY(role_of(TRY(json.need_string("role"))));
  if (const Json* caller = json.find("caller"))
    out.caller = TRY(boot_info_from_json(*caller).within("caller"));
  if (json.find("allowed") != nullptr) out.allowed = TRY(json.get_bool("allowed", false));
  out.reason = TRY(json.get_string("reason", ""));
  if (json.find("epoch") != nullptr) {
    const std::uint64_t epoch = TRY(json.need_u64("epoch"));
    if (epoch > UINT32_MAX) return fail(Errc::malformed, "epoch {}", epoch);
    out.epoch = static_cast<std::uint32_t>(epoch);
  }
  const Json* details = json.find("details");
  if (details == nullptr) return out;
  if (!details->is_object()) return fail(Errc::malformed, "details is not an object");
  for (const auto& [name, value] : details->members())
    out.details.emplace_back(name, TRY(value.as_string().within("details.{}", name)));
  return out;
}

} // namespace dstack::kms
