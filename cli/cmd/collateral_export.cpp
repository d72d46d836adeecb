#include "cli/cmd/add.hpp"
#include "cli/collateral.hpp"

namespace dstack::cli {

namespace {

struct Options {
  CollateralOptions set;
  std::string file;
};

Result<Exit> run(const Options& o, Context& ctx)
{
  const NamedCollateral got = TRY(load_collateral(o.set, ctx, fetch::Network::offline));
  const std::string text = dcap::to_json_text(got.fetched.collateral);
  if (o.file == "-") {
    ctx.ui().raw(text);
    return Exit::ok;
  }
  TRY(sys::write_file_atomic(o.file, as_bytes(text), sys::Privacy::shared));
  ctx.ui().note(fmt::format("{}: {}", o.file, format_size(text.size())));
  return Exit::ok;
}

} // namespace

void add_collateral_export(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("collateral export", "Write a cached set of collateral as one JSON file");
  leaf.file_argument("FILE", o->file, "Where to write it, or - for stdout").required();
  leaf.file("--quote", o->set.quote, "The set this quote needs").group("Which set");
  add_collateral_options(leaf, o->set);
  leaf.describe(
          "The file is the JSON object that dcap-qvl reads, too. It comes from the cache as it "
          "is, however old; the network is not used.")
      .example("dstack collateral export --quote quote.bin collateral.json", "For this quote")
      .example("dstack collateral export --fmspc 00806F050000 -", "To stdout")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
