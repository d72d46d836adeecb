#include "cli/cmd/add.hpp"
#include "cli/supervisor.hpp"
#include "cli/vms.hpp"

namespace dstack::cli {

namespace {

struct Options {
  std::vector<std::string> vms;
  bool yes = false;
  bool force = false;
  bool dry_run = false;
};

constexpr std::chrono::milliseconds polite{20'000};
constexpr std::chrono::milliseconds at_once{0};

std::string loss(const store::VmRecord& vm)
{
  return fmt::format("{} ({}{}) and everything on its disk", shown_name(vm),
                     store::shown_status(vm),
                     vm.spec.app.name.empty() ? "" : ", app " + vm.spec.app.name);
}

Result<bool> agreed(const Options& o, Context& ctx, const std::vector<store::VmRecord>& vms)
{
  if (o.yes) return true;
  std::string text = "this deletes for good:\n";
  for (const store::VmRecord& vm : vms)
    text += "  " + loss(vm) + "\n";
  if (!ctx.may_ask()) return fail(Errc::usage, "{}say --yes to do it", text);
  ctx.ui().raw_error(text);
  return ctx.confirm("go on?");
}

Result<Exit> remove_one(const Options& o, Context& ctx, const store::VmRecord& vm)
{
  auto lock = lock_vm(ctx, vm, "rm");
  if (!lock) {
    ctx.ui().error(lock.error());
    return Exit::conflict;
  }
  TRY(stop_vm(vm, o.force ? at_once : polite).within("{}", shown_name(vm)));
  TRY(vm_store(ctx).remove(vm).within("remove {}", shown_name(vm)));
  ctx.ui().line(ctx.globals().quiet ? vm.spec.id : fmt::format("removed {}", shown_name(vm)));
  return Exit::ok;
}

Result<Exit> run(const Options& o, Context& ctx)
{
  TRY(vm_store(ctx).sweep());
  std::vector<store::VmRecord> vms;
  for (const std::string& word : o.vms)
    vms.push_back(TRY(vm_store(ctx).find(word)));
  if (o.dry_run) {
    for (const store::VmRecord& vm : vms)
      ctx.ui().note(fmt::format("would delete {}", loss(vm)));
    return Exit::ok;
  }
  if (!TRY(agreed(o, ctx, vms))) {
    ctx.ui().note("nothing was deleted");
    return Exit::refused;
  }
  Exit worst = Exit::ok;
  for (const store::VmRecord& vm : vms)
    if (const Exit exit = TRY(remove_one(o, ctx, vm)); exit != Exit::ok) worst = exit;
  return worst;
}

} // namespace

void add_rm(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("rm", "Delete VMs with all their data");
  leaf.arguments("VM", o->vms, "Names or ids").required().completes(vm_names);
  leaf.flag("-y,--yes", o->yes, "Do not ask");
  leaf.flag("-f,--force", o->force, "End a running VM at once instead of shutting it down");
  leaf.flag("-n,--dry-run", o->dry_run, "Only say what would be deleted");
  leaf.describe(
          "A running VM is stopped first. Without --yes dstack asks on a terminal, naming what "
          "is lost, and elsewhere refuses.")
      .example("dstack rm hello", "Ask, then delete the VM and its disk")
      .example("dstack rm --yes hello", "For scripts")
      .example("dstack rm --yes --force hello stuck", "Without waiting for a clean shutdown")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
