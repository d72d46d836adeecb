#include "cli/deploy/new_vm.hpp"

#include "cli/deploy/ports.hpp"
#include "cli/deploy/vm_config.hpp"
#include "cli/images.hpp"
#include "cli/vms.hpp"
#include "crypto/random.hpp"
#include "probe/placement.hpp"

#include <algorithm>

namespace dstack::cli {

namespace {

/// A VM name from an app name: compose allows "_", host names do not.
std::string vm_name_from(std::string name)
{
  std::replace(name.begin(), name.end(), '_', '-');
  while (!name.empty() && name.back() == '-')
    name.pop_back();
  return name;
}

Result<std::string> free_name(const NewVmOptions& o, const Context& ctx, const App& app)
{
  const std::string name = o.name.empty() ? vm_name_from(app.parsed.name) : o.name;
  TRY(as_usage(store::check_vm_name(name).within("VM name")));
  for (const store::VmRecord& vm : TRY(vm_store(ctx).list()))
    if (vm.spec.name == name)
      return fail(Errc::usage,
                  "there is a VM named {0} already\n'dstack update {0}' gives it this app, "
                  "--name makes another VM",
                  name);
  return name;
}

Result<store::VmSpec>
make_spec(const NewVmOptions& o, const Context& ctx, const config::Config& config, const NewVm& vm)
{
  store::VmSpec spec;
  std::array<std::uint8_t, 6> random{};
  crypto::random_bytes(random);
  spec.id = store::vm_id_from(random);
  spec.name = TRY(free_name(o, ctx, vm.app));
  spec.created_at = format_utc(ctx.now());
  spec.image = {vm.image.directory.filename().string(), sys::fs::absolute(vm.image.directory),
                vm.image.image_hash};
  spec.cpus = static_cast<std::uint32_t>(std::min<std::uint64_t>(config.count("vm.cpus"), 4096));
  spec.memory_bytes = config.bytes("vm.memory");
  spec.disk_bytes = config.bytes("vm.disk");
  spec.restart.policy = TRY(store::parse_restart_policy(o.restart));
  spec.app = {vm.app.parsed.name, vm.app.app_id, vm.app.compose_hash};
  spec.bundle = vm.images == Images::carried ? bundle_file : "";
  spec.registry_mirror = config.text("registry.mirror");
  spec.insecure_registries = config.list("registry.insecure");
  spec.insecure_skip_image_check = o.skip_image_check;
  spec.boot_deadline_ms = o.boot_timeout_ms;
  return spec;
}

void announce(Context& ctx, const NewVm& vm, const TeeChoice& tee)
{
  ctx.ui().note(
      fmt::format("app id       {}\ncompose hash {}", vm.app.app_id, vm.app.compose_hash));
  ctx.ui().note(ctx.ui().paint_err(vm.spec.tee == store::Tee::sim ? Tone::warn : Tone::good,
                                   tee.announcement));
  if (vm.predicted) ctx.ui().note(predicted_text(*vm.predicted));
}

/// What the hardware will report; a VM of which nobody can say so runs all the same.
void add_prediction(Context& ctx, NewVm& vm)
{
  if (vm.spec.tee == store::Tee::sim) return;
  const auto machine = machine_of(vm.spec);
  Result<Predicted> predicted = machine ? predict(vm.spec, *machine) : machine.error();
  if (predicted)
    vm.predicted = *std::move(predicted);
  else
    ctx.ui().warn(fmt::format("its registers cannot be predicted: {}",
                              predicted.error().message()));
}

/// What the VM takes of this host, checked against it.
Status plan_host(const NewVmOptions& o,
                 const Context& ctx,
                 const config::Config& config,
                 store::VmSpec& spec)
{
  const probe::Places here;
  spec.placement = TRY(plan_placement(o.placement, probe::list_gpus(here)));
  codec::Json gathered;
  gathered.set("schema", host::facts_schema);
  probe::add_processor(here, gathered);
  probe::add_memory(here, gathered);
  probe::add_pci(here, gathered);
  TRY(check_fits(spec, config, TRY(host::Facts::from_json(std::move(gathered)))));
  TRY(as_usage(vm::check_devices(TRY(probe::placed_machine(spec, here)))));
  TRY(probe::pinned_cpus(spec, here));
  TRY(check_reachable(spec));
  return check_gpus_free(spec, TRY(vm_store(ctx).list()));
}

} // namespace

Status check(const NewVmOptions& options)
{
  for (const std::string& network : options.placement.networks)
    static_cast<void>(TRY(parse_network(network)));
  if (!options.name.empty()) TRY(as_usage(store::check_vm_name(options.name).within("--name")));
  for (const std::string& port : options.ports)
    static_cast<void>(TRY(parse_port_spec(port)));
  return ok();
}

Status plan_vm(const NewVmOptions& options,
               Context& ctx,
               const config::Config& config,
               NewVm& vm,
               Stages& stages)
{
  const TeeChoice tee = TRY(choose_tee(config.text("vm.tee")));
  vm.image = TRY(deployable_image(ctx, config, options.skip_image_check, stages));
  stages.end();
  vm.spec = TRY(make_spec(options, ctx, config, vm));
  vm.spec.tee = tee.tee;
  if (vm.kms) vm.spec.kms = vm.kms->spec;
  vm.spec.gateway_urls = vm.gateway_urls;
  TRY(plan_host(options, ctx, config, vm.spec));
  PortPlan ports = TRY(plan_ports(ctx, options.ports, vm.app.project, {}));
  drop_unreachable(ports, vm.spec.placement);
  vm.spec.ports = std::move(ports.forwards);
  for (const std::string& remark : ports.remarks)
    ctx.ui().warn(remark);
  add_prediction(ctx, vm);
  announce(ctx, vm, tee);
  if (vm.kms) announce_kms(ctx, *vm.kms);
  return check_disk_space(ctx, vm.app);
}

Exit print_plan(Context& ctx, const NewVm& vm)
{
  if (!ctx.ui().json()) {
    ctx.ui().line(fmt::format("would create the VM {} and start it", vm.spec.name));
    for (const std::string& url : urls_of(vm.spec))
      ctx.ui().line(url);
    return Exit::ok;
  }
  codec::Json out = codec::Json::object();
  out.set("schema", "dstack.deploy.plan/1")
      .set("dry_run", true)
      .set("app_id", vm.app.app_id)
      .set("compose_hash", vm.app.compose_hash)
      .set("app_compose", vm.app.bytes)
      .set("vm", store::to_json(vm.spec));
  if (vm.predicted) out.set("predicted", predicted_json(*vm.predicted));
  ctx.ui().document(out);
  return Exit::ok;
}

Result<Exit> bring_up(const NewVmOptions& options,
                      Context& ctx,
                      const config::Config& config,
                      const NewVm& vm,
                      Stages& stages,
                      std::string_view schema)
{
  stages.begin("create the VM");
  const store::VmRecord record =
      TRY(vm_store(ctx).create(vm.spec, [&](const sys::fs::path& directory) -> Status {
        TRY(write_user_config(directory, vm.user_config));
        TRY(write_encrypted_env(directory, vm.encrypted_env));
        return write_vm_files(directory, vm.spec, vm.app, vm.image);
      }));
  stages.end();
  auto lock = lock_vm(ctx, record, "deploy");
  if (!lock) {
    ctx.ui().error(lock.error());
    return Exit::conflict;
  }
  std::optional<sys::FileLock> held{std::move(*lock)};
  const auto launched = launch(ctx, record, options.launch, config, stages, [&] { held.reset(); });
  if (!launched) {
    ctx.ui().note(fmt::format(
        "the VM {0} was created: 'dstack start {0}' tries again, 'dstack rm {0}' removes it",
        record.spec.name));
    return launched.error();
  }
  return report_launch(ctx, record, *launched, stages, schema);
}

void add_new_vm_options(Leaf& leaf, NewVmOptions& o)
{
  leaf.option(
      "-p,--port", o.ports, "SPEC",
      "Make a port of the VM reachable: [[PROTO:[ADDRESS:]]HOST:]VM; HOST auto is a free one");
  leaf.flag("-n,--dry-run", o.dry_run, "Check everything, say what would be done, start nothing");
  o.settings.add(leaf, "--image", "image")
      .completes(image_candidates)
      .fallback("the newest")
      .group("Machine");
  o.settings.add(leaf, "--cpus", "vm.cpus").group("Machine");
  o.settings.add(leaf, "-m,--memory", "vm.memory").group("Machine");
  o.settings.add(leaf, "--disk", "vm.disk").group("Machine");
  o.settings.add(leaf, "--tee", "vm.tee").group("Machine");
  add_placement_options(leaf, o.placement);
  leaf.option("--restart", o.restart, "WHEN", "When to start the VM again by itself")
      .choices({"no", "on-failure", "always"})
      .fallback("no")
      .group("Machine");
  leaf.duration("--boot-timeout", o.boot_timeout_ms, "A guest that is not up by then is ended")
      .fallback("5m")
      .group("Machine");
  leaf.flag("--insecure-skip-image-check", o.skip_image_check,
            "Do not check the files of the OS image (for tests of the guest's own check)")
      .group("Machine");
}

} // namespace dstack::cli
