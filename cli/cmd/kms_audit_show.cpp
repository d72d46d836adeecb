#include "cli/cmd/add.hpp"
#include "cli/context.hpp"
#include "kms/audit.hpp"
#include "report/plain.hpp"

namespace dstack::cli {

namespace {

constexpr std::size_t max_log = std::size_t{1} << 30U;

struct Options {
  std::string file;
  std::string app;
  bool refused = false;
  std::uint64_t tail = 0;
};

bool wanted(const Options& o, const kms::AuditRecord& record)
{
  if (o.refused && record.allowed != false) return false;
  if (o.app.empty()) return true;
  return record.caller && hex(record.caller->app_id).starts_with(lower(o.app));
}

/// "2026-…  GetAppKey  REFUSED  app a1a1a1a1 compose c1c1c1c1  from 10.0.2.15  why"
std::string line_of(Context& ctx, const codec::Json& json, const kms::AuditRecord& record)
{
  constexpr std::size_t shown = 8;
  const auto time = json.get_string("time", "");
  std::string out = fmt::format("{}  {:<16}", time ? *time : "", report::one_line(record.event));
  const auto add = [&](std::string_view text) {
    if (!text.empty()) out += fmt::format("  {}", text);
  };
  if (record.allowed)
    add(*record.allowed ? ctx.ui().paint_out(Tone::good, "allowed")
                        : ctx.ui().paint_out(Tone::bad, "REFUSED"));
  if (record.caller) {
    add(fmt::format("app {} compose {}", hex(record.caller->app_id).substr(0, shown),
                    hex(record.caller->compose_hash).substr(0, shown)));
    if (record.caller->simulated) add(ctx.ui().paint_out(Tone::warn, "SIMULATED"));
  }
  if (record.epoch && *record.epoch != 0) add(fmt::format("epoch {}", *record.epoch));
  if (!record.peer.empty()) add("from " + report::one_line(record.peer));
  add(report::one_line(record.reason));
  return out;
}

codec::Json with_schema(const codec::Json& record)
{
  codec::Json out = codec::Json::object().set("schema", "dstack.kms.audit/1");
  for (const auto& [key, value] : record.members())
    out.set(key, value);
  return out;
}

Result<Exit> run(const Options& o, Context& ctx)
{
  const std::string text = TRY(sys::read_text(o.file, max_log));
  kms::AuditChain chain;
  std::vector<codec::Json> shown;
  const auto next = [&](std::string_view line) -> Status {
    codec::Json json = TRY(chain.next(line));
    if (wanted(o, TRY(kms::audit_record_of(json)))) shown.push_back(std::move(json));
    return ok();
  };
  const auto end = kms::each_line(text, next);
  const bool cut = o.tail > 0 && shown.size() > o.tail;
  for (std::size_t i = cut ? shown.size() - o.tail : 0; i < shown.size(); ++i) {
    if (ctx.ui().json())
      ctx.ui().json_line(with_schema(shown[i]));
    else
      ctx.ui().line(line_of(ctx, shown[i], TRY(kms::audit_record_of(shown[i]))));
  }
  // What stands before the break is shown all the same.
  if (!end) return Error{end.error()}.within(o.file);
  if (end->torn > 0) ctx.ui().warn(fmt::format("the last line is torn ({} bytes)", end->torn));
  return Exit::ok;
}

} // namespace

void add_kms_audit_show(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("kms audit show", "Show who asked a KMS, what it answered, and why");
  leaf.file_argument("FILE", o->file, "The log").required();
  leaf.flag("--refused", o->refused, "Only refusals");
  leaf.option("--app", o->app, "HEX", "Only this app; the start of its id is enough");
  leaf.number("--tail", o->tail, "N", "Only the last N of those");
  leaf.json("dstack.kms.audit/1")
      .describe("The chain is checked on the way: a broken log is shown up to its break, and the "
                "exit status is 3. With --json each record is one line, as it is in the log but "
                "without its hash.")
      .example("dstack kms audit show kms/audit.jsonl --refused", "Who was turned away, and why")
      .example("dstack kms audit show kms/audit.jsonl --json --tail 1", "The last record")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
