#include "cli/cmd/add.hpp"
#include "cli/deploy/launch.hpp"
#include "cli/settings.hpp"
#include "cli/vms.hpp"

namespace dstack::cli {

namespace {

struct Options {
  std::string vm;
  LaunchOptions launch;
  SettingOptions settings;
  bool dry_run = false;
};

Result<Exit> run(const Options& o, Context& ctx)
{
  const store::VmRecord vm = TRY(pick_vm(ctx, o.vm));
  if (!vm.problem.empty() && vm.spec.name.empty())
    return fail(Errc::malformed, "{} cannot start: {}", vm.spec.id, vm.problem);
  if (store::is_alive(vm)) {
    ctx.ui().note(fmt::format("{} is already {}", shown_name(vm), store::shown_status(vm)));
    return Exit::ok;
  }
  if (o.dry_run) {
    ctx.ui().note(fmt::format("would start {}", shown_name(vm)));
    return Exit::ok;
  }
  auto lock = lock_vm(ctx, vm, "start");
  if (!lock) {
    ctx.ui().error(lock.error());
    return Exit::conflict;
  }
  std::optional<sys::FileLock> held{std::move(*lock)};
  const config::Config config = TRY(load_config(ctx, o.settings));
  use_programs(config);
  Stages stages{ctx.ui()};
  const Launched launched = TRY(launch(ctx, vm, o.launch, config, stages, [&] { held.reset(); }));
  return report_launch(ctx, vm, launched, stages, "dstack.start/1");
}

} // namespace

void add_start(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("start", "Start a stopped VM with its data");
  leaf.argument("VM", o->vm, "Name or id; may be left out when there is only one")
      .completes(vm_names);
  add_wait_options(leaf, o->launch, o->settings);
  leaf.flag("-n,--dry-run", o->dry_run, "Only say what would be done");
  leaf.json("dstack.start/1")
      .example("dstack start hello", "Start and wait until the app answers")
      .example("dstack start -d hello", "Start and return at once")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
