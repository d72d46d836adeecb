#include "cli/cmd/add.hpp"
#include "cli/collateral_amd.hpp"
#include "cli/collateral_view.hpp"

namespace dstack::cli {

namespace {

struct Options {
  CollateralOptions set;
  bool offline = false;
  std::string output;
};

void report(const NamedCollateral& got, const CollateralView& view, Time at, Context& ctx)
{
  constexpr std::size_t parts = 4;
  const std::size_t fetched = got.fetched.from_network;
  if (ctx.ui().json()) {
    codec::Json out = codec::Json::object()
                          .set("schema", "dstack.collateral.fetch/1")
                          .set("ca", fetch::name_of(got.request.ca))
                          .set("from_network", std::uint64_t{fetched})
                          .set("from_cache", std::uint64_t{parts - fetched});
    const codec::Json facts = to_json(view);
    for (const auto& [key, value] : facts.members())
      out.set(key, value);
    ctx.ui().document(out);
    return;
  }
  if (ctx.globals().quiet) return;
  ctx.ui().line(view_text(view, at));
  ctx.ui().note(
      fmt::format("{} of {} parts from the network, the rest from the cache", fetched, parts));
}

Result<Exit> run(const Options& o, Context& ctx)
{
  const auto network = o.offline ? fetch::Network::offline : fetch::Network::online;
  if (!o.set.quote.empty() && o.set.fmspc.empty()) {
    const auto report = TRY(snp_report_in(o.set.quote));
    if (report && !o.output.empty())
      return fail(Errc::usage, "--output is for Intel's collateral; AMD's certificates go into a "
                               "bundle: dstack verify FILE --bundle OUT");
    if (report) return fetch_amd(*report, o.set, ctx, network);
  }
  const NamedCollateral got = TRY(load_collateral(o.set, ctx, network));
  const std::string text = dcap::to_json_text(got.fetched.collateral);
  if (o.output == "-") {
    ctx.ui().raw(text);
    return Exit::ok;
  }
  if (!o.output.empty())
    TRY(sys::write_file_atomic(o.output, as_bytes(text), sys::Privacy::shared));
  const Time at = TRY(point_in_time(o.set.at, ctx));
  report(got, TRY(view_of(got.fetched.collateral)), at, ctx);
  return Exit::ok;
}

} // namespace

void add_collateral_fetch(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf =
      tree.leaf("collateral fetch", "Fetch collateral for quotes and reports into the cache");
  leaf.file_argument("QUOTE", o->set.quote,
                     "Evidence with an Intel quote or an SEV-SNP report, in any form");
  leaf.file("-o,--output", o->output, "Also write the set to this file, or - for stdout");
  leaf.flag("--offline", o->offline, "Only the cache, however old; no network");
  add_collateral_options(leaf, o->set);
  o->set.settings.add(leaf, "--timeout", "pccs.timeout").group("Service");
  o->set.settings.add(leaf, "--max-age", "pccs.max_age").group("Service");
  leaf.json("dstack.collateral.fetch/1")
      .describe(
          "A set is TCB info, QE identity and two revocation lists, from Intel's PCS or from a "
          "PCCS. Cached answers are used until they expire, or until they are a day old. A set is "
          "kept whole or not at all: an answer that is cut off, expired, about something else or "
          "not signed by Intel changes nothing.\n\nEverything else about the set is judged when a "
          "quote is verified. The file written is the JSON object that dcap-qvl reads, too.\n\nFor "
          "an SEV-SNP report it is AMD's certificates and their revocation list, from the service "
          "of the setting kds.url.")
      .example("dstack collateral fetch quote.bin -o collateral.json", "What this quote needs")
      .example("dstack collateral fetch report.bin", "AMD's certificates for a SEV-SNP report")
      .example("dstack collateral fetch --fmspc 00806F050000 --pccs https://localhost:8081",
               "By name, from a PCCS of one's own")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
