#include "cli/cmd/add.hpp"
#include "cli/deploy/launch.hpp"
#include "cli/settings.hpp"
#include "cli/supervisor.hpp"
#include "cli/vms.hpp"

namespace dstack::cli {

namespace {

struct Options {
  std::string vm;
  std::uint64_t timeout_ms = 30'000;
  LaunchOptions launch;
  SettingOptions settings;
  bool dry_run = false;
};

Result<Exit> run(const Options& o, Context& ctx)
{
  const store::VmRecord vm = TRY(pick_vm(ctx, o.vm));
  if (o.dry_run) {
    ctx.ui().note(fmt::format("would restart {}", shown_name(vm)));
    return Exit::ok;
  }
  auto lock = lock_vm(ctx, vm, "restart");
  if (!lock) {
    ctx.ui().error(lock.error());
    return Exit::conflict;
  }
  std::optional<sys::FileLock> held{std::move(*lock)};
  const config::Config config = TRY(load_config(ctx, o.settings));
  use_programs(config);
  Stages stages{ctx.ui()};
  stages.begin("stop the VM");
  TRY(stop_vm(vm, std::chrono::milliseconds{o.timeout_ms}).within("{}", shown_name(vm)));
  const Launched launched = TRY(launch(ctx, vm, o.launch, config, stages, [&] { held.reset(); }));
  return report_launch(ctx, vm, launched, stages, "dstack.restart/1");
}

} // namespace

void add_restart(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("restart", "Stop a VM and start it again");
  leaf.argument("VM", o->vm, "Name or id; may be left out when there is only one")
      .completes(vm_names);
  leaf.duration("-t,--timeout", o->timeout_ms, "How long the guest may take to stop")
      .fallback("30s");
  add_wait_options(leaf, o->launch, o->settings);
  leaf.flag("-n,--dry-run", o->dry_run, "Only say what would be done");
  leaf.json("dstack.restart/1")
      .example("dstack restart hello", "Stop, start, and wait until the app answers")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
