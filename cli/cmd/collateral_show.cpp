#include "cli/cmd/add.hpp"
#include "cli/collateral.hpp"
#include "cli/collateral_view.hpp"
#include "cli/ui/table.hpp"

namespace dstack::cli {

namespace {

struct Options {
  CollateralOptions set;
  std::string file;
};

/// What the cache holds, answer by answer.
Result<Exit> list_cache(Context& ctx)
{
  const fetch::CollateralCache cache{ctx.dirs().cache / "collateral"};
  codec::Json list = codec::Json::array();
  Table table{{"FETCHED", "SIZE", "ADDRESS"}};
  for (const fetch::CacheEntry& entry : cache.list()) {
    const std::string when = format_utc(entry.fetched_at);
    table.row({when, format_size(entry.body.size()), printable(entry.url)});
    list.push(codec::Json::object()
                  .set("url", entry.url)
                  .set("service", entry.base)
                  .set("fetched_at", when)
                  .set("size_bytes", std::uint64_t{entry.body.size()}));
  }
  if (ctx.ui().json())
    ctx.ui().document(codec::Json::object()
                          .set("schema", "dstack.collateral.show/1")
                          .set("directory", cache.directory().string())
                          .set("answers", list));
  else
    ctx.ui().line(trim(table.text()));
  if (table.empty()) ctx.ui().note("nothing cached yet: dstack collateral fetch");
  return Exit::ok;
}

Result<dcap::Collateral> wanted(const Options& o, Context& ctx)
{
  if (o.file.empty())
    return TRY(load_collateral(o.set, ctx, fetch::Network::offline)).fetched.collateral;
  const std::string text = TRY(sys::read_text(o.file, dcap::max_collateral));
  return dcap::collateral_from_json(text).within("{}", o.file);
}

Result<Exit> run(const Options& o, Context& ctx)
{
  const bool named = names_collateral(o.set);
  if (!o.file.empty() && named) return fail(Errc::usage, "give a file or --fmspc, not both");
  if (o.file.empty() && !named) return list_cache(ctx);
  const dcap::Collateral collateral = TRY(wanted(o, ctx));
  const CollateralView view = TRY(view_of(collateral).within("collateral"));
  if (!ctx.ui().json()) {
    ctx.ui().line(view_text(view, TRY(point_in_time(o.set.at, ctx))));
    return Exit::ok;
  }
  codec::Json out = codec::Json::object().set("schema", "dstack.collateral.show/1");
  const codec::Json facts = to_json(view);
  for (const auto& [key, value] : facts.members())
    out.set(key, value);
  ctx.ui().document(out);
  return Exit::ok;
}

} // namespace

void add_collateral_show(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("collateral show", "Show what is in a set of collateral, or in the cache");
  leaf.file_argument("FILE", o->file, "Collateral as JSON; the cache when left out");
  leaf.file("--quote", o->set.quote, "Show the cached set this quote needs").group("Which set");
  add_collateral_options(leaf, o->set);
  leaf.json("dstack.collateral.show/1")
      .describe("Without arguments it lists the cached answers. Nothing is fetched and nothing is "
                "verified; what is out of date is marked.")
      .example("dstack collateral show", "Everything cached")
      .example("dstack collateral show collateral.json", "A file")
      .example("dstack collateral show --fmspc 00806F050000 --tee tdx --json", "A cached set")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
