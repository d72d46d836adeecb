#include "cli/cmd/add.hpp"
#include "cli/deploy/change.hpp"
#include "cli/deploy/create.hpp"
#include "cli/vms.hpp"

namespace dstack::cli {

namespace {

struct Options {
  std::string vm;
  AppOptions app;
  SettingOptions settings;
  bool exit_code = false;
};

Result<Exit> run(const Options& o, Context& ctx)
{
  const store::VmRecord vm = TRY(vm_store(ctx).find(o.vm));
  const config::Config config = TRY(load_config(ctx, o.settings));
  Stages stages{ctx.ui(), Stages::Lines::slow_ones};
  const Change change = TRY(plan_change(ctx, vm, o.app, registry_options(config), stages));
  if (ctx.ui().json())
    ctx.ui().document(change_json(vm, change));
  else if (!ctx.globals().quiet)
    ctx.ui().raw(change_text(ctx.ui(), vm, change));
  return o.exit_code && !change.same_bytes() ? Exit::difference : Exit::ok;
}

} // namespace

void add_diff(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("diff", "Show what an update would change");
  leaf.argument("VM", o->vm, "Name or id").required().completes(vm_names);
  add_app_options(leaf, o->app, "COMPOSE|BUNDLE");
  leaf.flag("--exit-code", o->exit_code, "Exit with 6 when there is a difference");
  o->settings.add(leaf, "--registry-mirror", "registry.mirror").group("Registry");
  o->settings.add(leaf, "--insecure-registry", "registry.insecure").group("Registry");
  leaf.json("dstack.diff/1")
      .describe("Compares the measured app of the VM with the one given: the compose text, image "
                "digests that moved, environment files, settings, and which measurements follow. "
                "Nothing is changed.")
      .example("dstack diff shop compose.yaml",
               "What 'dstack update shop compose.yaml' would change")
      .example("dstack diff shop compose.yaml --exit-code -q",
               "For scripts: 0 the same, 6 different")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
