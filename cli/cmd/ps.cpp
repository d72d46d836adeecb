#include "cli/cmd/add.hpp"
#include "cli/ui/table.hpp"
#include "cli/vms.hpp"
#include "codec/json_list.hpp"

namespace dstack::cli {

namespace {

struct Options {
  bool all = false;
  bool no_trunc = false;
};

constexpr std::size_t short_id = 12;

bool is_shown(const Options& o, const store::VmRecord& vm)
{
  return o.all || store::is_alive(vm);
}

std::string shortened(const Options& o, const std::string& id)
{
  return o.no_trunc ? id : id.substr(0, short_id);
}

void print(const Options& o, const std::vector<store::VmRecord>& vms, Context& ctx)
{
  Table table{{"NAME", "ID", "STATUS", "TEE", "APP ID", "STARTED", "URLS"}};
  for (const store::VmRecord& vm : vms)
    table.row(
        {shown_name(vm), vm.spec.id, store::shown_status(vm),
         std::string{store::shown_name(vm.spec.tee)}, shortened(o, vm.spec.app.app_id),
         vm.state.started_at.empty() ? "never" : vm.state.started_at, join(urls_of(vm.spec), " ")});
  ctx.ui().line(trim(table.text()));
  for (const store::VmRecord& vm : vms)
    if (!vm.problem.empty()) ctx.ui().warn(fmt::format("{}: {}", shown_name(vm), vm.problem));
}

Result<Exit> run(const Options& o, Context& ctx)
{
  std::vector<store::VmRecord> vms = TRY(vm_store(ctx).list());
  const std::size_t found = vms.size();
  std::erase_if(vms, [&](const store::VmRecord& vm) { return !is_shown(o, vm); });
  if (ctx.ui().json()) {
    ctx.ui().document(codec::Json::object()
                          .set("schema", "dstack.ps/1")
                          .set("vms", codec::list_of(vms, vm_json)));
    return Exit::ok;
  }
  if (ctx.globals().quiet) {
    for (const store::VmRecord& vm : vms)
      ctx.ui().line(vm.spec.id);
    return Exit::ok;
  }
  print(o, vms, ctx);
  if (vms.empty() && found > 0) ctx.ui().note(fmt::format("{} not running: dstack ps -a", found));
  return Exit::ok;
}

} // namespace

void add_ps(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("ps", "List VMs and where their apps answer");
  leaf.flag("-a,--all", o->all, "Also VMs that are not running");
  leaf.flag("--no-trunc", o->no_trunc, "Show ids in full");
  leaf.json("dstack.ps/1")
      .example("dstack ps", "What is running")
      .example("dstack ps -a", "Everything there is")
      .example("dstack ps -a -q", "Only the ids, for scripts")
      .example("dstack ps --json", "All fields, for programs")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
