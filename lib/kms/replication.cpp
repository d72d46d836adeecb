#include "kms/replication.hpp"

#include "base/calendar.hpp"
#include "crypto/keccak.hpp"
#include "kms/webhook.hpp"

#include <algorithm>

namespace dstack::kms {

namespace {

using codec::Json;

constexpr std::string_view signature_member = "signature";
constexpr std::string_view signing_domain = "dstack-kms-replication-v1:";
constexpr codec::JsonLimits replication_limits{max_replication_line, 8, 10'000};
constexpr std::size_t max_replication_word = 256;
constexpr std::array<ReplicationEvent, 4> events{ReplicationEvent::opened, ReplicationEvent::joined,
                                                 ReplicationEvent::rotated,
                                                 ReplicationEvent::retired};

bool is_zero(const crypto::Sha256Digest& digest)
{
  return std::all_of(digest.begin(), digest.end(), [](std::uint8_t byte) { return byte == 0; });
}

Json body_of(const ReplicationHead& head, const ReplicationEntry& entry, Time at)
{
  Json out = Json::object()
                 .set("seq", head.entries + 1)
                 .set("time", format_utc(at))
                 .set("event", name_of(entry.event))
                 .set("node", cut_text(entry.node, max_replication_word))
                 .set("about", cut_text(entry.about, max_replication_word));
  if (!is_zero(entry.spki)) out.set("spki_sha256", hex(entry.spki));
  if (entry.who) out.set("who", to_record(*entry.who));
  return out.set("epoch", std::uint64_t{entry.epoch}).set("prev", hex(head.hash));
}

/// Who signed is found from the signature, and must be the root.
bool signed_by(const crypto::K256Public& root, std::string_view body, ByteView signature)
{
  const auto signer = crypto::k256_recover(replication_digest(body), signature);
  return signer && *signer == root;
}

Result<Json>
read_line(std::string_view line, const ReplicationHead& head, const crypto::K256Public& root)
{
  if (line.size() > max_replication_line)
    return fail(Errc::untrusted, "{} bytes (limit {})", line.size(), max_replication_line);
  const auto parts = unsealed(line, signature_member, sizeof(crypto::K256Recoverable));
  if (!parts) return fail(Errc::untrusted, "not an entry that ends in its signature");
  if (!signed_by(root, parts->body, parts->seal))
    return fail(Errc::untrusted, "not signed by the root key, or changed since");
  Json json = TRY(codec::parse_json(parts->body, replication_limits));
  const std::uint64_t seq = TRY(json.need_u64("seq"));
  if (seq != head.entries + 1)
    return fail(Errc::untrusted, "entry {} follows entry {}: one is missing, or moved", seq,
                head.entries);
  if (TRY(json.need_string("prev")) != hex(head.hash))
    return fail(Errc::untrusted, "entry {} does not continue the one before it", seq);
  const std::string node = TRY(json.need_string("node"));
  if (!head.node.empty() && node != head.node)
    return fail(Errc::untrusted, "entry {} is of node {}, not {}", seq, printable(node),
                printable(head.node));
  return json;
}

} // namespace

std::string_view name_of(ReplicationEvent event)
{
  switch (event) {
  case ReplicationEvent::opened:
    return "opened";
  case ReplicationEvent::joined:
    return "joined";
  case ReplicationEvent::rotated:
    return "rotated";
  case ReplicationEvent::retired:
    return "retired";
  }
  return "";
}

crypto::Sha256Digest replication_digest(std::string_view unsigned_line)
{
  return crypto::keccak256(concat({as_bytes(signing_domain), as_bytes(unsigned_line)}));
}

Result<ReplicationLine> replication_line(const ReplicationHead& head,
                                         const ReplicationEntry& entry,
                                         Time at,
                                         const Secret<32>& root_k256)
{
  if (entry.node.empty() || (!head.node.empty() && entry.node != head.node))
    return fail(Errc::internal, "an entry of node '{}' in the replication log of '{}'", entry.node,
                head.node);
  const std::string body = codec::write_json(body_of(head, entry, at));
  const auto signature = TRY(crypto::k256_sign_recoverable(root_k256, replication_digest(body)));
  ReplicationLine out;
  out.text = sealed(body, signature_member, signature);
  if (out.text.size() > max_replication_line)
    return fail(Errc::internal, "a replication entry of {} bytes", out.text.size());
  out.head = {head.entries + 1, crypto::sha256(as_bytes(out.text)), entry.node};
  return out;
}

Result<Json> ReplicationChain::next(std::string_view line)
{
  auto read = read_line(line, head_, root_);
  // A first line that is no entry at all is another kind of file.
  if (!read) {
    const bool other_kind =
        head_.entries == 0 && !unsealed(line, signature_member, sizeof(crypto::K256Recoverable));
    return Error{other_kind ? Errc::malformed : Errc::untrusted, read.error().message()};
  }
  head_ = {head_.entries + 1, crypto::sha256(as_bytes(line)), TRY(read->need_string("node"))};
  return read;
}

Result<ReplicationSummary> verify_replication(std::string_view text, const crypto::K256Public& root)
{
  ReplicationSummary out;
  ReplicationChain chain{root};
  const auto next = [&](std::string_view line) -> Status {
    const Json json = TRY(chain.next(line));
    ReplicationEntry entry = TRY(replication_entry_of(json));
    const std::int64_t time = TRY(parse_utc(TRY(json.need_string("time"))).within("time"));
    out.entries.push_back(std::move(entry));
    out.times.push_back(time);
    out.head = chain.head(); // only now: a last line that is refused here is torn
    return ok();
  };
  static_cast<LinesEnd&>(out) = TRY(each_line(text, next));
  return out;
}

Result<ReplicationEntry> replication_entry_of(const Json& json)
{
  ReplicationEntry out;
  const std::string word = TRY(json.need_string("event"));
  const auto* const event = std::find_if(events.begin(), events.end(),
                                         [&](ReplicationEvent e) { return name_of(e) == word; });
  if (event == events.end())
    return fail(Errc::unsupported, "event '{}' is of no known kind", printable(word));
  out.event = *event;
  out.node = TRY(json.need_string("node"));
  out.about = TRY(json.get_string("about", ""));
  if (const std::string spki = TRY(json.get_string("spki_sha256", "")); !spki.empty())
    out.spki = TRY(parse_hex_array<32>(spki).within("spki_sha256"));
  if (const Json* who = json.find("who")) out.who = TRY(boot_info_from_json(*who).within("who"));
  const std::uint64_t epoch = TRY(json.get_u64("epoch", 0));
  if (epoch > UINT32_MAX) return fail(Errc::malformed, "epoch {}", epoch);
  out.epoch = static_cast<std::uint32_t>(epoch);
  return out;
}

} // namespace dstack::kms
