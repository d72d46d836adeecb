#include "cli/cmd/add.hpp"
#include "cli/supervisor.hpp"
#include "cli/vms.hpp"

namespace dstack::cli {

namespace {

struct Options {
  std::vector<std::string> vms;
  std::uint64_t timeout_ms = 30'000;
  bool dry_run = false;
};

Result<Exit> stop_one(const Options& o, Context& ctx, const std::string& word)
{
  const store::VmRecord vm = TRY(pick_vm(ctx, word));
  if (!store::is_alive(vm)) {
    ctx.ui().note(fmt::format("{} is not running", shown_name(vm)));
    return Exit::ok;
  }
  if (o.dry_run) {
    ctx.ui().note(fmt::format("would stop {}", shown_name(vm)));
    return Exit::ok;
  }
  const auto lock = lock_vm(ctx, vm, "stop");
  if (!lock) {
    ctx.ui().error(lock.error());
    return Exit::conflict;
  }
  TRY(stop_vm(vm, std::chrono::milliseconds{o.timeout_ms}).within("{}", shown_name(vm)));
  ctx.ui().line(ctx.globals().quiet ? vm.spec.id : fmt::format("stopped {}", shown_name(vm)));
  return Exit::ok;
}

Result<Exit> run(const Options& o, Context& ctx)
{
  std::vector<std::string> words = o.vms;
  if (words.empty()) words.emplace_back();
  Exit worst = Exit::ok;
  for (const std::string& word : words)
    if (const Exit exit = TRY(stop_one(o, ctx, word)); exit != Exit::ok) worst = exit;
  return worst;
}

} // namespace

void add_stop(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("stop", "Shut VMs down; their data stays");
  leaf.arguments("VM", o->vms, "Names or ids; may be left out when there is only one")
      .completes(live_vm_names);
  leaf.duration("-t,--timeout", o->timeout_ms, "How long the guest may take before it is ended")
      .fallback("30s");
  leaf.flag("-n,--dry-run", o->dry_run, "Only say what would be done");
  leaf.describe(
          "The guest is asked to shut down; its containers get their stop signals and the disk "
          "is closed. A guest that does not answer in time is ended. Nothing is deleted: "
          "'dstack start' continues with the same data.")
      .example("dstack stop hello", "Stop one VM")
      .example("dstack stop -t 2m db web", "Give databases time to finish")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
