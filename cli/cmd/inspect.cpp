#include "cli/cmd/add.hpp"
#include "cli/control.hpp"
#include "cli/deploy/gateway.hpp"
#include "cli/vms.hpp"

namespace dstack::cli {

namespace {

struct Options {
  std::string vm;
};

codec::Json document_of(const store::VmRecord& vm, const GuestSays& told)
{
  const auto& measured = told.measured;
  codec::Json out = codec::Json::object().set("schema", "dstack.inspect/1");
  const codec::Json facts = vm_json(vm);
  for (const auto& [key, value] : facts.members())
    out.set(key, value);
  const auto paths = vm.paths();
  codec::Json files = codec::Json::object();
  files.set("directory", vm.directory.string())
      .set("app_compose", (paths.share() / "app-compose.json").string())
      .set("console", paths.console_log().string())
      .set("data_disk", paths.data_disk().string());
  out.set("measurements", measured ? measurements_json(*measured) : codec::Json{})
      .set("measurements_are",
           measured ? "claimed by the guest, not verified" : "unknown: not running")
      .set("files", files);
  if (told.gateway) out.set("gateway", gateway_json(*told.gateway, vm.spec));
  out.set("spec", store::to_json(vm.spec)).set("state", store::to_json(vm.state));
  return out;
}

std::string_view memory_kind(const store::VmPlacement& placement)
{
  if (placement.hugepages) return " of huge pages";
  return placement.pin_numa ? " of one NUMA node" : "";
}

std::string network_text(const store::VmNetwork& network)
{
  std::string out{vm::name_of(network.mode)};
  for (const std::string& part : {network.host_device, network.address})
    if (!part.empty()) out += " " + part;
  return out;
}

void print(const store::VmRecord& vm, const GuestSays& told, Context& ctx)
{
  Console& ui = ctx.ui();
  const auto row = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) ui.line(fmt::format("{:<13} {}", name, value));
  };
  const store::VmSpec& spec = vm.spec;
  row("name", spec.name);
  row("id", spec.id);
  row("status", store::shown_status(vm));
  row("TEE", spec.tee == store::Tee::sim ? "simulated: nothing here is confidential"
                                        : store::shown_name(spec.tee));
  row("app", spec.app.name);
  row("app id", spec.app.app_id);
  row("instance id", vm.state.instance_id);
  row("compose hash", spec.app.compose_hash);
  for (const std::string& url : spec.kms.urls)
    row("KMS", url);
  row("OS image", fmt::format("{} ({})", spec.image.os_image_hash, spec.image.name));
  row("machine", fmt::format("{} CPUs, {} memory{}, {} disk", spec.cpus,
                             format_size(spec.memory_bytes), memory_kind(spec.placement),
                             format_size(spec.disk_bytes)));
  for (const store::VmNetwork& network : spec.placement.networks)
    row("network", network_text(network));
  for (const std::string& slot : spec.placement.gpus)
    row("GPU", slot);
  for (const std::string& slot : spec.placement.nvswitches)
    row("NVSwitch", slot);
  for (const vm::PortForward& port : spec.ports)
    row("port", fmt::format("{} -> {} in the VM", url_of(port), port.vm_port));
  row("restart", store::name_of(spec.restart.policy));
  row("created", spec.created_at);
  row("started", vm.state.started_at);
  row("app-compose", (vm.paths().share() / "app-compose.json").string());
  row("console", vm.paths().console_log().string());
  row("ended", vm.state.exit);
  row("last error", printable(vm.state.last_error));
  row("problem", vm.problem);
  if (told.gateway) print_gateway(ui, *told.gateway, spec);
  if (!told.measured) return;
  print_measurements(ui, *told.measured);
  ui.line("The registers are what the guest claims; they were not verified here.");
}

Result<Exit> run(const Options& o, Context& ctx)
{
  const store::VmRecord vm = TRY(pick_vm(ctx, o.vm));
  GuestSays told;
  if (store::is_alive(vm) && vm.state.status == store::VmStatus::running) {
    auto got = guest_measurements(vm);
    if (got)
      told.measured = std::move(*got);
    else
      ctx.ui().detail(fmt::format("the guest gave no measurements: {}", got.error().message()));
    told.gateway = guest_gateway(vm);
  }
  if (ctx.ui().json())
    ctx.ui().document(document_of(vm, told));
  else
    print(vm, told, ctx);
  return Exit::ok;
}

} // namespace

void add_inspect(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("inspect", "Show everything known about a VM");
  leaf.argument("VM", o->vm, "Name or id; may be left out when there is only one")
      .completes(vm_names);
  leaf.json("dstack.inspect/1")
      .describe("Identities, ports, files and, while it runs, the measurement registers the guest "
                "reports. Those are claims until a quote was verified.")
      .example("dstack inspect hello", "For people")
      .example("dstack inspect hello --json", "For programs")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
