#include "cli/cmd/add.hpp"
#include "cli/context.hpp"
#include "kms/audit.hpp"

namespace dstack::cli {

namespace {

using codec::Json;

constexpr std::size_t max_log = std::size_t{1} << 30U;

struct Options {
  std::vector<std::string> files;
  std::string contains;
};

/// All files together: one chain.
struct Total {
  kms::AuditHead head{};
  std::int64_t first_time = 0;
  std::uint64_t allowed = 0;
  std::uint64_t refused = 0;
  std::uint64_t backwards = 0;
  std::size_t torn = 0;
  bool found = false; ///< the hash that had to be in it
};

/// Whether a line ends in that hash; the chain itself was checked.
bool holds(std::string_view text, const std::string& hash)
{
  return text.find(fmt::format(",\"hash\":\"{}\"}}", hash)) != std::string_view::npos;
}

Status add_file(const std::string& file, const Options& o, Total& total)
{
  if (total.torn > 0)
    return fail(Errc::untrusted, "{}: the file before it ends in the middle of a line", file);
  const std::string text = TRY(sys::read_text(file, max_log));
  const auto one = TRY(kms::verify_audit(text, total.head).within("{}", file));
  total.found = total.found || (!o.contains.empty() && holds(text, o.contains));
  if (total.first_time == 0) total.first_time = one.first_time;
  total.head = one.head;
  total.allowed += one.allowed;
  total.refused += one.refused;
  total.backwards += one.backwards;
  total.torn = one.torn;
  return ok();
}

std::string date(std::int64_t seconds)
{
  return format_utc({seconds * 1000});
}

Json document(const Total& total)
{
  const auto time = [](std::int64_t seconds) {
    return seconds == 0 ? Json{} : Json{date(seconds)};
  };
  return Json::object()
      .set("schema", "dstack.kms.audit.verify/1")
      .set("intact", true)
      .set("records", total.head.lines)
      .set("allowed", total.allowed)
      .set("refused", total.refused)
      .set("first", time(total.first_time))
      .set("last", time(total.head.time))
      .set("head", hex(total.head.hash))
      .set("time_backwards", total.backwards)
      .set("torn_bytes", std::uint64_t{total.torn});
}

void print(Context& ctx, const Total& total)
{
  Console& ui = ctx.ui();
  if (total.head.lines == 0) return ui.line("INTACT: no records yet");
  ui.line(fmt::format("{}: {} records, {} to {}", ui.paint_out(Tone::good, "INTACT"),
                      total.head.lines, date(total.first_time), date(total.head.time)));
  ui.line(fmt::format("allowed {}, refused {}", total.allowed, total.refused));
  ui.line(fmt::format("head {}", hex(total.head.hash)));
}

Result<Exit> run(const Options& o, Context& ctx)
{
  if (!o.contains.empty()) TRY(as_usage(parse_hex_array<32>(o.contains).within("--contains")));
  Options wanted = o;
  wanted.contains = lower(o.contains);
  Total total;
  for (const std::string& file : o.files)
    TRY(add_file(file, wanted, total));
  if (!o.contains.empty() && !total.found)
    return fail(Errc::untrusted, "no record has the hash {}: the log was cut or replaced",
                wanted.contains);
  if (ctx.ui().json())
    ctx.ui().document(document(total));
  else
    print(ctx, total);
  if (total.torn > 0)
    ctx.ui().warn(fmt::format("the last line is torn: {} bytes of it were written before the KMS "
                              "stopped; they are no part of the chain",
                              total.torn));
  if (total.backwards > 0)
    ctx.ui().warn(fmt::format("the clock went backwards at {} records", total.backwards));
  return Exit::ok;
}

} // namespace

void add_kms_audit_verify(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("kms audit verify", "Check that no record of an audit log was changed");
  leaf.arguments("FILE", o->files, "The log; several files that follow each other, in order")
      .required();
  leaf.option("--contains", o->contains, "HASH",
              "A head noted earlier: that record must still be there");
  leaf.json("dstack.kms.audit.verify/1")
      .describe(
          "Every record names the hash of the one before, so that a record that was changed, "
          "removed, repeated or moved shows, and the first such line is named. A log that was "
          "cut at its end, or written anew as a whole, is intact by itself: note the head "
          "now and then, and ask for it with --contains.")
      .describe("Exit status: 0 intact, 3 broken, 4 no audit log.")
      .example("dstack kms audit verify kms/audit.jsonl", "The whole log")
      .example("dstack kms audit verify kms/audit.jsonl --json", "The head, for noting it")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
