#include "cli/cmd/add.hpp"
#include "cli/deploy/gateway.hpp"
#include "cli/deploy/new_vm.hpp"
#include "cli/vms.hpp"

namespace dstack::cli {

namespace {

struct Options {
  AppOptions app;
  NewVmOptions vm;
  KmsOptions kms;
  GatewayOptions gateway;
  std::string user_config;
};

/// Everything that can go wrong before a VM exists.
Result<NewVm>
make_plan(const Options& o, Context& ctx, const config::Config& config, Stages& stages)
{
  TRY(vm_store(ctx).sweep());
  TRY(check(o.vm));
  NewVm vm;
  vm.user_config = TRY(read_user_config(o.user_config));
  AppOptions app = o.app;
  vm.kms = TRY(choose_kms(o.kms, {}, app));
  vm.gateway_urls = TRY(choose_gateways(o.gateway, {}, vm.kms ? HasKms::yes : HasKms::no, app));
  vm.app = TRY(prepare_app(ctx, app, registry_options(config), "", stages));
  stages.end();
  TRY(check_kms(vm.kms, {}, vm.app.parsed));
  TRY(check_gateways(ctx, vm.gateway_urls, vm.app.parsed));
  if (vm.kms)
    vm.encrypted_env = TRY(encrypt_environment(*vm.kms, vm.app.parsed, vm.app.app_id, ctx.now()));
  if (carries_images(vm.app, o.app)) vm.images = Images::carried;
  TRY(plan_vm(o.vm, ctx, config, vm, stages));
  return vm;
}

Result<Exit> run(const Options& o, Context& ctx)
{
  Stages stages{ctx.ui()};
  const config::Config config = TRY(load_config(ctx, o.vm.settings));
  use_programs(config);
  const NewVm vm = TRY(make_plan(o, ctx, config, stages));
  if (o.vm.dry_run) return print_plan(ctx, vm);
  if (vm.kms)
    TRY(register_app(vm.spec.kms.directory, vm.app.app_id, vm.app, stages).within("--kms-dir"));
  return bring_up(o.vm, ctx, config, vm, stages, "dstack.deploy/1");
}

} // namespace

void add_deploy(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("deploy", "Run a compose app in a new VM");
  add_app_options(leaf, o->app, "COMPOSE|BUNDLE");
  leaf.option("--name", o->vm.name, "NAME", "Name of the VM (default: the app's name)");
  add_new_vm_options(leaf, o->vm);
  leaf.file("--user-config", o->user_config,
            "Handed to the app as /dstack/user_config; not measured, seen by this host");
  add_kms_options(leaf, o->kms);
  add_gateway_option(leaf, o->gateway);
  o->vm.settings.add(leaf, "--registry-mirror", "registry.mirror").group("Registry");
  o->vm.settings.add(leaf, "--insecure-registry", "registry.insecure").group("Registry");
  add_wait_options(leaf, o->vm.launch, o->vm.settings);
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
          "variables (${NAME}, environment, secrets).\n\n"
          "With --gateway the app asks for a gateway, which gives its ports names: "
          "https://APPID-PORT.DOMAIN. The VM registers there before the app starts; it starts all "
          "the same when the gateway cannot be had, and the VM tries again.\n\n"
          "Networks, huge pages, NUMA nodes and GPUs are of this host: what is not there or not "
          "free is refused, and so is more than vm.max_cpus and vm.max_memory allow. They are kept "
          "for every later start. The guest has no DHCP client, so a bridge or tap comes with the "
          "guest's address. Of a confidential VM the registers that its hardware will report are "
          "predicted, as by 'dstack measure', and once it runs compared with what it says.")
      .example("dstack deploy", "compose.yaml of the current directory")
      .example("dstack deploy compose.yaml --name shop --port auto:8080",
               "Choose the VM's name, take any free port of this machine")
      .example("dstack deploy app.bundle", "What 'dstack app pack' made; needs no registry")
      .example("dstack deploy compose.yaml --json -d", "For programs; do not wait for the app")
      .example("dstack deploy compose.yaml --kms https://127.0.0.1:8000 --kms-dir kms "
               "--env-file secrets.env",
               "Keys from your own KMS, which learns of the app; variables only the VM can read")
      .example("dstack deploy compose.yaml --tee tdx --memory 64G --hugepages --gpu all "
               "--pci-hole64 16384G --no-pci-hotplug",
               "On a TDX host, with its GPUs and memory of their NUMA nodes")
      .example("dstack deploy compose.yaml --net bridge:br0,192.168.7.2/24,192.168.7.1",
               "An address in the host's own network")
      .example("dstack deploy compose.yaml --kms https://127.0.0.1:8000 --gateway "
               "https://127.0.0.1:9202",
               "Reachable by a name, through a gateway")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
