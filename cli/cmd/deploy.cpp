#include "cli/cmd/add.hpp"
#include "cli/deploy/create.hpp"
#include "cli/deploy/kms.hpp"
#include "cli/deploy/launch.hpp"
#include "cli/deploy/ports.hpp"
#include "cli/images.hpp"
#include "cli/vms.hpp"
#include "crypto/random.hpp"

#include <algorithm>

namespace dstack::cli {

namespace {

struct Options {
  AppOptions app;
  SettingOptions settings;
  LaunchOptions launch;
  KmsOptions kms;
  std::string name;
  std::vector<std::string> ports;
  std::string user_config;
  std::string restart = "no";
  std::uint64_t boot_timeout_ms = 300'000;
  bool skip_image_check = false;
  bool dry_run = false;
};

/// A VM name from an app name: compose allows "_", host names do not.
std::string vm_name_from(std::string name)
{
  std::replace(name.begin(), name.end(), '_', '-');
  while (!name.empty() && name.back() == '-')
    name.pop_back();
  return name;
}

Result<std::string> free_name(const Options& o, const Context& ctx, const App& app)
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

Result<store::VmSpec> make_spec(const Options& o,
                                const Context& ctx,
                                const config::Config& config,
                                const App& app,
                                const osbuild::ImageInfo& image)
{
  store::VmSpec spec;
  std::array<std::uint8_t, 6> random{};
  crypto::random_bytes(random);
  spec.id = store::vm_id_from(random);
  spec.name = TRY(free_name(o, ctx, app));
  spec.created_at = format_utc(ctx.now());
  spec.image = {image.directory.filename().string(), sys::fs::absolute(image.directory),
                image.image_hash};
  spec.cpus = static_cast<std::uint32_t>(std::min<std::uint64_t>(config.count("vm.cpus"), 4096));
  spec.memory_bytes = config.bytes("vm.memory");
  spec.disk_bytes = config.bytes("vm.disk");
  spec.restart.policy = TRY(store::parse_restart_policy(o.restart));
  spec.app = {app.parsed.name, app.app_id, app.compose_hash};
  spec.bundle = carries_images(app, o.app) ? bundle_file : "";
  spec.registry_mirror = config.text("registry.mirror");
  spec.insecure_registries = config.list("registry.insecure");
  spec.insecure_skip_image_check = o.skip_image_check;
  spec.boot_deadline_ms = o.boot_timeout_ms;
  return spec;
}

void announce(Context& ctx, const App& app, const store::VmSpec& spec, const TeeChoice& tee)
{
  ctx.ui().note(fmt::format("app id       {}\ncompose hash {}", app.app_id, app.compose_hash));
  ctx.ui().note(
      ctx.ui().paint_err(spec.tee == store::Tee::sim ? Tone::warn : Tone::good, tee.announcement));
}

Exit print_plan(Context& ctx, const App& app, const store::VmSpec& spec)
{
  if (!ctx.ui().json()) {
    ctx.ui().line(fmt::format("would create the VM {} and start it", spec.name));
    for (const std::string& url : urls_of(spec))
      ctx.ui().line(url);
    return Exit::ok;
  }
  ctx.ui().document(codec::Json::object()
                        .set("schema", "dstack.deploy.plan/1")
                        .set("dry_run", true)
                        .set("app_id", app.app_id)
                        .set("compose_hash", app.compose_hash)
                        .set("app_compose", app.bytes)
                        .set("vm", store::to_json(spec)));
  return Exit::ok;
}

struct Plan {
  App app;
  std::optional<KmsChoice> kms;
  std::optional<Bytes> encrypted_env;
  std::optional<Bytes> user_config;
  osbuild::ImageInfo image;
  store::VmSpec spec;
};

/// Everything that can go wrong before a VM exists.
Result<Plan> make_plan(const Options& o, Context& ctx, const config::Config& config, Stages& stages)
{
  TRY(vm_store(ctx).sweep());
  if (!o.name.empty()) TRY(as_usage(store::check_vm_name(o.name).within("--name")));
  for (const std::string& port : o.ports)
    static_cast<void>(TRY(parse_port_spec(port)));
  Plan plan;
  plan.user_config = TRY(read_user_config(o.user_config));
  AppOptions app = o.app;
  plan.kms = TRY(choose_kms(o.kms, {}, app));
  plan.app = TRY(prepare_app(ctx, app, registry_options(config), "", stages));
  stages.end();
  TRY(check_kms(plan.kms, {}, plan.app.parsed));
  if (plan.kms)
    plan.encrypted_env =
        TRY(encrypt_environment(*plan.kms, plan.app.parsed, plan.app.app_id, ctx.now()));
  const TeeChoice tee = TRY(choose_tee(config.text("vm.tee")));
  plan.image = TRY(deployable_image(ctx, config, o.skip_image_check, stages));
  stages.end();
  plan.spec = TRY(make_spec(o, ctx, config, plan.app, plan.image));
  plan.spec.tee = tee.tee;
  if (plan.kms) plan.spec.kms = plan.kms->spec;
  PortPlan ports = TRY(plan_ports(ctx, o.ports, plan.app.project, {}));
  plan.spec.ports = std::move(ports.forwards);
  for (const std::string& remark : ports.remarks)
    ctx.ui().warn(remark);
  announce(ctx, plan.app, plan.spec, tee);
  if (plan.kms) announce_kms(ctx, *plan.kms);
  TRY(check_disk_space(ctx, plan.app));
  return plan;
}

Result<Exit> run(const Options& o, Context& ctx)
{
  Stages stages{ctx.ui()};
  const config::Config config = TRY(load_config(ctx, o.settings));
  use_programs(config);
  const Plan plan = TRY(make_plan(o, ctx, config, stages));
  if (o.dry_run) return print_plan(ctx, plan.app, plan.spec);
  if (plan.kms)
    TRY(register_app(plan.spec.kms.directory, plan.app.app_id, plan.app, stages)
            .within("--kms-dir"));
  stages.begin("create the VM");
  const store::VmRecord vm =
      TRY(vm_store(ctx).create(plan.spec, [&](const sys::fs::path& directory) -> Status {
        TRY(write_user_config(directory, plan.user_config));
        TRY(write_encrypted_env(directory, plan.encrypted_env));
        return write_vm_files(directory, plan.spec, plan.app, plan.image);
      }));
  stages.end();
  auto lock = lock_vm(ctx, vm, "deploy");
  if (!lock) {
    ctx.ui().error(lock.error());
    return Exit::conflict;
  }
  std::optional<sys::FileLock> held{std::move(*lock)};
  const auto launched = launch(ctx, vm, o.launch, config, stages, [&] { held.reset(); });
  if (!launched) {
    ctx.ui().note(fmt::format(
        "the VM {0} was created: 'dstack start {0}' tries again, 'dstack rm {0}' removes it",
        vm.spec.name));
    return launched.error();
  }
  return report_launch(ctx, vm, *launched, stages, "dstack.deploy/1");
}

void add_machine_options(Leaf& leaf, Options& o)
{
  o.settings.add(leaf, "--image", "image")
      .completes(image_candidates)
      .fallback("the newest")
      .group("Machine");
  o.settings.add(leaf, "--cpus", "vm.cpus").group("Machine");
  o.settings.add(leaf, "-m,--memory", "vm.memory").group("Machine");
  o.settings.add(leaf, "--disk", "vm.disk").group("Machine");
  o.settings.add(leaf, "--tee", "vm.tee").group("Machine");
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

} // namespace

void add_deploy(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("deploy", "Run a compose app in a new VM");
  add_app_options(leaf, o->app, "COMPOSE|BUNDLE");
  leaf.option("--name", o->name, "NAME", "Name of the VM (default: the app's name)");
  leaf.option(
      "-p,--port", o->ports, "SPEC",
      "Make a port of the VM reachable: [[PROTO:[ADDRESS:]]HOST:]VM; HOST auto is a free one");
  leaf.file("--user-config", o->user_config,
            "Handed to the app as /dstack/user_config; not measured, seen by this host");
  leaf.flag("-n,--dry-run", o->dry_run, "Check everything, say what would be done, start nothing");
  add_kms_options(leaf, o->kms);
  add_machine_options(leaf, *o);
  o->settings.add(leaf, "--registry-mirror", "registry.mirror").group("Registry");
  o->settings.add(leaf, "--insecure-registry", "registry.insecure").group("Registry");
  add_wait_options(leaf, o->launch, o->settings);
  leaf.json("dstack.deploy/1")
      .describe(
          "Reads the compose file, resolves image tags to digests and pins them, and writes both "
          "into "
          "app-compose.json, whose hash is the identity of what runs. Then a VM boots the guest OS "
          "image, measures that file, and starts the containers.\n\n"
          "Ports the compose file publishes are reachable on 127.0.0.1 under the same number "
          "unless "
          "--port says otherwise. Environment files travel inside the measured file and are no "
          "place "
          "for secrets. What cannot work in a VM (build:, host directories) is refused with its "
          "line.\n\n"
          "With --kms the app's keys come from a KMS, and the app is bound to its root key: the "
          "one "
          "of --kms-root or --kms-dir, else the one that the KMS shows now. --env-file is for "
          "secrets: its values are encrypted here for a key that the KMS gives to this app's VM "
          "alone, its names become part of the measured app, and the compose file finds them as "
          "variables (${NAME}, environment, secrets).")
      .example("dstack deploy", "compose.yaml of the current directory")
      .example("dstack deploy compose.yaml --name shop --port auto:8080",
               "Choose the VM's name, take any free port of this machine")
      .example("dstack deploy app.bundle", "What 'dstack app pack' made; needs no registry")
      .example("dstack deploy compose.yaml --json -d", "For programs; do not wait for the app")
      .example("dstack deploy compose.yaml --kms https://127.0.0.1:8000 --kms-dir kms "
               "--env-file secrets.env",
               "Keys from your own KMS, which learns of the app; variables only the VM can read")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
