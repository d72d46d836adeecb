#include "cli/cmd/add.hpp"
#include "cli/kms/policy_file.hpp"

namespace dstack::cli {

namespace {

struct Options {
  std::string before;
  std::string after;
  bool exit_code = false;
};

Result<Exit> run(const Options& o, Context& ctx)
{
  const kms::Policy before = TRY(load_kms_policy(o.before));
  const kms::Policy after = TRY(load_kms_policy(o.after));
  const auto changes = kms::changes_between(before, after);
  if (ctx.ui().json() || !ctx.globals().quiet)
    show_changes(ctx, "dstack.kms.policy.diff/1", o.after, changes);
  if (changes.empty()) ctx.ui().note("both mean the same");
  return o.exit_code && !changes.empty() ? Exit::difference : Exit::ok;
}

} // namespace

void add_kms_policy_diff(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("kms policy diff", "Show what a changed policy lets through or refuses");
  leaf.file_argument("OLD", o->before, "The policy as it was").required();
  leaf.file_argument("NEW", o->after, "The policy as it will be").required();
  leaf.flag("--exit-code", o->exit_code, "Exit with 6 when they differ");
  leaf.json("dstack.kms.policy.diff/1")
      .describe("Compares what the files mean, not how they are written. Each change is marked "
                "'wider' when it lets through what was refused before, 'tighter' when it refuses "
                "what was let through, and 'other' when it is neither.")
      .example("dstack kms policy diff policy.toml policy.new.toml", "Before a change goes live")
      .example("dstack kms policy diff policy.toml policy.new.toml --exit-code -q",
               "For scripts: 0 the same, 6 different")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
