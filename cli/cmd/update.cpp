#include "cli/cmd/add.hpp"
#include "cli/deploy/change.hpp"
#include "cli/deploy/create.hpp"
#include "cli/deploy/gateway.hpp"
#include "cli/deploy/kms.hpp"
#include "cli/deploy/launch.hpp"
#include "cli/deploy/ports.hpp"
#include "cli/images.hpp"
#include "cli/supervisor.hpp"
#include "cli/vms.hpp"

namespace dstack::cli {

namespace {

struct Options {
  std::string vm;
  AppOptions app;
  SettingOptions settings;
  LaunchOptions launch;
  KmsOptions kms;
  GatewayOptions gateway;
  std::vector<std::string> ports;
  std::string user_config;
  std::uint64_t timeout_ms = 30'000;
  bool dry_run = false;
};

constexpr std::size_t max_instance_info = 10 * 1024;

/// The guest keeps the app id only when it is told: without this it would take the new hash.
Status keep_app_id(const store::VmRecord& vm)
{
  const sys::fs::path path = vm.paths().share() / ".instance_info";
  codec::Json info = codec::Json::object();
  if (const auto text = sys::read_text(path, max_instance_info); text && !trim(*text).empty())
    info = TRY(codec::parse_json(*text).within("{}", path.string()));
  info.set("app_id", vm.spec.app.app_id);
  return sys::write_file_atomic(path, as_bytes(codec::write_json(info)), sys::Privacy::owner_only);
}

/// What an update changes.
struct Plan {
  App running;
  Change change;
  std::optional<KmsChoice> kms;
  std::vector<std::string> gateway_urls;
  std::optional<Bytes> encrypted_env;
  std::optional<Bytes> user_config;
};

/// Keys follow from the provider: an app that names the only one it takes keys from would lose its
/// data with another, and its protection with none named.
Status check_pin_kept(const compose::AppCompose& before, const compose::AppCompose& after)
{
  if (before.key_provider_id.empty() || (before.key_provider == after.key_provider &&
                                         before.key_provider_id == after.key_provider_id))
    return ok();
  return fail(Errc::usage,
              "the running app takes keys from {} {} alone; the new one says {} {}\n"
              "an app with other keys is for another VM: 'dstack deploy'",
              compose::name_of(before.key_provider), hex(before.key_provider_id),
              compose::name_of(after.key_provider),
              after.key_provider_id.empty() ? "(any)" : hex(after.key_provider_id));
}

Result<Plan> make_plan(const Options& o,
                       Context& ctx,
                       const store::VmRecord& vm,
                       const config::Config& config,
                       Stages& stages)
{
  Plan plan;
  plan.running = TRY(current_app(vm));
  AppOptions app = o.app;
  app.before = &plan.running.parsed;
  plan.kms = TRY(choose_kms(o.kms, vm.spec.kms, app));
  const bool has_kms = plan.kms || !vm.spec.kms.urls.empty();
  plan.gateway_urls = TRY(
      choose_gateways(o.gateway, vm.spec.gateway_urls, has_kms ? HasKms::yes : HasKms::no, app));
  plan.change = TRY(plan_change(ctx, vm, app, registry_options(config), stages));
  const compose::AppCompose& after = plan.change.after.parsed;
  TRY(check_pin_kept(plan.running.parsed, after));
  TRY(check_kms(plan.kms, vm.spec.kms, after));
  if (after.gateway_enabled || !o.gateway.urls.empty())
    TRY(check_gateways(ctx, plan.gateway_urls, after));
  if (plan.kms)
    plan.encrypted_env = TRY(encrypt_environment(*plan.kms, after, vm.spec.app.app_id, ctx.now()));
  plan.user_config = TRY(read_user_config(o.user_config));
  return plan;
}

Result<store::VmSpec> updated_spec(const Options& o,
                                   Context& ctx,
                                   const config::Config& config,
                                   const store::VmRecord& vm,
                                   const Plan& plan)
{
  const App& app = plan.change.after;
  store::VmSpec spec = vm.spec;
  spec.app.name = app.parsed.name;
  spec.app.compose_hash = app.compose_hash;
  spec.bundle = carries_images(app, o.app) ? bundle_file : "";
  spec.registry_mirror = config.text("registry.mirror");
  spec.insecure_registries = config.list("registry.insecure");
  if (plan.kms) spec.kms = plan.kms->spec;
  spec.gateway_urls = plan.gateway_urls;
  if (!app.parsed.gateway_enabled) spec.gateway_urls.clear();
  PortPlan ports = TRY(plan_ports(ctx, o.ports, app.project, vm.spec.ports));
  drop_unreachable(ports, vm.spec.placement);
  spec.ports = std::move(ports.forwards);
  for (const std::string& remark : ports.remarks)
    ctx.ui().warn(remark);
  return spec;
}

/// vm.json last: an update that was cut short is seen as a difference and done again.
Status write_update(const store::VmRecord& vm,
                    const store::VmSpec& spec,
                    const Plan& plan,
                    const osbuild::ImageInfo& image)
{
  TRY(keep_app_id(vm));
  TRY(write_user_config(vm.directory, plan.user_config));
  TRY(write_encrypted_env(vm.directory, plan.encrypted_env));
  TRY(write_vm_files(vm.directory, spec, plan.change.after, image));
  TRY(store::write_spec(vm.directory, spec));
  if (!spec.bundle.empty()) return ok();
  std::error_code ignored;
  sys::fs::remove(vm.directory / bundle_file, ignored);
  return ok();
}

Result<Exit> apply(const Options& o,
                   Context& ctx,
                   const store::VmRecord& vm,
                   const Plan& plan,
                   const config::Config& config,
                   Stages& stages)
{
  auto lock = lock_vm(ctx, vm, "update");
  if (!lock) {
    ctx.ui().error(lock.error());
    return Exit::conflict;
  }
  std::optional<sys::FileLock> held{std::move(*lock)};
  const osbuild::ImageInfo image =
      TRY(osbuild::describe_image(vm.spec.image.path).within("OS image"));
  TRY(check_disk_space(ctx, plan.change.after));
  const store::VmSpec spec = TRY(updated_spec(o, ctx, config, vm, plan));
  TRY(register_app(spec.kms.directory, spec.app.app_id, plan.change.after, stages)
          .within("--kms-dir"));
  stages.begin("stop the VM");
  TRY(stop_vm(vm, std::chrono::milliseconds{o.timeout_ms}).within("{}", shown_name(vm)));
  stages.begin("write the new app");
  TRY(write_update(vm, spec, plan, image));
  stages.end();
  store::VmRecord updated = vm;
  updated.spec = spec;
  const Launched launched =
      TRY(launch(ctx, updated, o.launch, config, stages, [&] { held.reset(); }));
  return report_launch(ctx, updated, launched, stages, "dstack.update/1");
}

Result<Exit> run(const Options& o, Context& ctx)
{
  const store::VmRecord vm = TRY(vm_store(ctx).find(o.vm));
  const config::Config config = TRY(load_config(ctx, o.settings));
  use_programs(config);
  Stages stages{ctx.ui()};
  const Plan plan = TRY(make_plan(o, ctx, vm, config, stages));
  const Change& change = plan.change;
  const bool same = change.same_bytes() && vm.spec.app.compose_hash == change.after.compose_hash;
  if (same && o.ports.empty() && o.user_config.empty() && !o.kms.any() && o.gateway.urls.empty()) {
    ctx.ui().note(fmt::format("nothing to update: {} runs this app already", shown_name(vm)));
    if (ctx.ui().json())
      ctx.ui().document(change_json(vm, change).set("schema", "dstack.update.none/1"));
    return Exit::ok;
  }
  ctx.ui().note(trim(change_text(ctx.ui(), vm, change)));
  if (plan.kms) announce_kms(ctx, *plan.kms);
  if (o.dry_run) return Exit::ok;
  return apply(o, ctx, vm, plan, config, stages);
}

} // namespace

void add_update(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("update", "Give a VM a new version of its app");
  leaf.argument("VM", o->vm, "Name or id").required().completes(vm_names);
  add_app_options(leaf, o->app, "COMPOSE|BUNDLE");
  leaf.option("-p,--port", o->ports, "SPEC", "As in deploy; other ports stay where they are");
  leaf.duration("-t,--timeout", o->timeout_ms, "How long the guest may take to stop")
      .fallback("30s");
  leaf.file("--user-config", o->user_config,
            "Handed to the app as /dstack/user_config; not measured, seen by this host");
  leaf.flag("-n,--dry-run", o->dry_run, "Show what would change, change nothing");
  add_kms_options(leaf, o->kms);
  add_gateway_option(leaf, o->gateway);
  o->settings.add(leaf, "--registry-mirror", "registry.mirror").group("Registry");
  o->settings.add(leaf, "--insecure-registry", "registry.insecure").group("Registry");
  add_wait_options(leaf, o->launch, o->settings);
  leaf.json("dstack.update/1")
      .describe(
          "Shows what changes, stops the VM, replaces the measured app and starts it again. The "
          "app id, the instance id and the data stay; the compose hash and RTMR3 change. When "
          "nothing changed the VM is left alone.\n\n"
          "An app of a KMS keeps its KMS, its root key and its encrypted variables; --kms and "
          "--env-file replace addresses and variables. The root key stays: the data can be read "
          "with no other keys. --gateway makes an app of a compose file ask for a gateway, or "
          "replaces its addresses.")
      .example("dstack update shop compose.yaml", "The next version")
      .example("dstack update shop compose.yaml --dry-run", "The same as dstack diff")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
