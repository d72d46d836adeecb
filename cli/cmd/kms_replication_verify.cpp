#include "cli/cmd/add.hpp"
#include "cli/context.hpp"
#include "kms/replication.hpp"
#include "report/plain.hpp"

#include <algorithm>

namespace dstack::cli {

namespace {

using codec::Json;

constexpr std::size_t max_log = std::size_t{64} << 20U;

struct Options {
  std::string file;
  std::string key;
};

std::string date(std::int64_t seconds)
{
  return format_utc({seconds * 1000});
}

bool is_zero(const crypto::Sha256Digest& digest)
{
  return std::all_of(digest.begin(), digest.end(), [](std::uint8_t byte) { return byte == 0; });
}

Json document(const kms::ReplicationSummary& log)
{
  Json entries = Json::array();
  for (std::size_t i = 0; i < log.entries.size(); ++i) {
    const kms::ReplicationEntry& entry = log.entries[i];
    Json who;
    if (entry.who) who = kms::to_record(*entry.who);
    entries.push(Json::object()
                     .set("time", date(log.times[i]))
                     .set("event", name_of(entry.event))
                     .set("about", entry.about)
                     .set("epoch", std::uint64_t{entry.epoch})
                     .set("spki_sha256", is_zero(entry.spki) ? "" : hex(entry.spki))
                     .set("who", std::move(who)));
  }
  return Json::object()
      .set("schema", "dstack.kms.replication.verify/1")
      .set("intact", true)
      .set("node", log.head.node)
      .set("head", hex(log.head.hash))
      .set("torn_bytes", std::uint64_t{log.torn})
      .set("entries", std::move(entries));
}

void print(Context& ctx, const kms::ReplicationSummary& log)
{
  Console& ui = ctx.ui();
  const auto joined =
      std::count_if(log.entries.begin(), log.entries.end(), [](const kms::ReplicationEntry& e) {
        return e.event == kms::ReplicationEvent::joined;
      });
  ui.line(fmt::format("{}: {} entries of node {}; the root keys went to {} other KMS",
                      ui.paint_out(Tone::good, "INTACT"), log.entries.size(),
                      report::one_line(log.head.node), joined));
  for (std::size_t i = 0; i < log.entries.size(); ++i) {
    const kms::ReplicationEntry& entry = log.entries[i];
    ui.line(trim(fmt::format("{}  {:<8} {}", date(log.times[i]), name_of(entry.event),
                             report::one_line(entry.about))));
    if (!entry.who) continue;
    ui.line(fmt::format("  aggregated MR {}", hex(entry.who->mr_aggregated)));
    ui.line(fmt::format("  device id     {}{}", hex(entry.who->device_id),
                        entry.who->simulated ? "  SIMULATED" : ""));
  }
}

Result<Exit> run(const Options& o, Context& ctx)
{
  const auto key = TRY(as_usage(parse_hex_array<33>(o.key).within("--k256-pubkey")));
  const std::string text = TRY(sys::read_text(o.file, max_log));
  const auto log = TRY(kms::verify_replication(text, key).within("{}", o.file));
  if (ctx.ui().json())
    ctx.ui().document(document(log));
  else
    print(ctx, log);
  if (log.torn > 0)
    ctx.ui().warn(fmt::format("the last line is torn ({} bytes): no part of the log", log.torn));
  return Exit::ok;
}

} // namespace

void add_kms_replication_verify(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("kms replication verify", "Check who got a KMS' root keys, by its log");
  leaf.file_argument("FILE", o->file, "The replication log").required();
  leaf.option("--k256-pubkey", o->key, "HEX", "The root's k256 public key, compressed: 33 bytes")
      .required();
  leaf.json("dstack.kms.replication.verify/1")
      .describe(
          "Every entry is signed by the root k256 key and names the one before, so that "
          "whoever knows the public key ('k256_pubkey' of GetMeta) can check the list without "
          "trusting who hands it over. The end of a log can be held back: ask for a newer "
          "one.")
      .describe("Exit status: 0 intact, 3 broken or of another root, 4 no replication log.")
      .example("dstack kms replication verify kms/replication.jsonl --k256-pubkey "
               "03e206818ce77f40bdfce29d7b9acd7ea58fa11ae84b59004df31b6783a992924a",
               "Every KMS that was given the root")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
