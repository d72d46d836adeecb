#include "cli/cmd/add.hpp"
#include "cli/deploy/new_vm.hpp"
#include "cli/deploy/sys_config.hpp"
#include "cli/kms/deployment.hpp"
#include "cli/kms/image.hpp"
#include "cli/vms.hpp"
#include "kms/certificates.hpp"
#include "kms/policy.hpp"
#include "kms/webhook.hpp"
#include "kmsclient/url.hpp"
#include "sys/clock.hpp"
#include "tee/sim_host.hpp"
#include "vault/share_directory.hpp"

namespace dstack::cli {

namespace {

struct Options {
  NewVmOptions vm;
  std::vector<std::string> domains;
  std::vector<std::string> custodians;
  std::uint64_t threshold = 0;
  std::string policy;
  std::string settings;
  std::string join;
  std::string bundle;
};

/// Of one variable in an environment (execve(2), MAX_ARG_STRLEN) there is room for 128 KiB.
constexpr std::size_t max_measured_policy = std::size_t{96} << 10U;

Status check_custodians(const Options& o)
{
  if (o.custodians.empty())
    return fail(Errc::usage, "--custodian is missing: who can open the root when the VM starts "
                             "again? Each makes a key: 'dstack kms share key FILE'");
  for (const auto& one : TRY(as_usage(vault::parse_custodians(o.custodians).within("--custodian"))))
    if (!one.key)
      return fail(Errc::usage,
                  "--custodian {0}: the share leaves the VM, so it needs a key that it is sealed "
                  "to: {0}=KEY, of 'dstack kms share key'",
                  one.name);
  if (o.threshold == 0 || o.threshold > o.custodians.size())
    return fail(Errc::usage, "--threshold: how many of the custodians open the root (want 1 to {})",
                o.custodians.size());
  return ok();
}

/// Those of the file, else such that suit a VM.
Result<kms::Settings> read_settings(const Options& o)
{
  if (o.settings.empty()) {
    for (const std::string& domain : o.domains)
      TRY(as_usage(kms::check_domain(domain).within("--domain")));
    return settings_in_vm(o.domains);
  }
  if (!o.domains.empty())
    return fail(Errc::usage, "--settings says itself which domains the KMS has: --domain is for "
                             "the usual settings");
  const std::string text = TRY(sys::read_text(o.settings, kms::max_settings).within("--settings"));
  kms::Settings out = TRY(kms::settings_from_toml(text, o.settings));
  if (out.listen.address == "0.0.0.0" || out.listen.address == "::") return out;
  return fail(Errc::config, "{}: a KMS that listens on {} alone is out of reach in its VM",
              o.settings, out.listen.address);
}

struct PolicyText {
  std::string text;
  kms::Policy policy;
};

Result<PolicyText> read_policy(const Options& o)
{
  PolicyText out;
  out.text = TRY(sys::read_text(o.policy, max_measured_policy).within("--policy"));
  out.policy = TRY(kms::policy_from_toml(out.text, o.policy));
  if (out.policy.webhook && kms::redact_url(out.policy.webhook->url) != out.policy.webhook->url)
    return fail(Errc::config,
                "{}: the webhook's address may hold credentials, and the policy becomes part of "
                "what is measured: anybody can read it",
                o.policy);
  if (out.policy.chain && kms::scheme_and_host(out.policy.chain->rpc) != out.policy.chain->rpc)
    return fail(Errc::config,
                "{}: chain.rpc is more than a host and so may hold a key of its provider, and the "
                "policy becomes part of what is measured: anybody can read it",
                o.policy);
  return out;
}

/// A KMS asks its policy about itself, too. What it measures is added in the VM.
Status check_allows_itself(const kms::Policy& policy, const NewVm& vm)
{
  if (!policy.lists_decide()) return ok();
  if (policy.find_image(vm.spec.image.os_image_hash) == nullptr)
    return fail(Errc::config,
                "{}: the policy does not allow the image that the KMS itself runs on\n'dstack kms "
                "policy allow-image {} {}' does",
                policy.name, policy.name, vm.spec.image.name);
  if (policy.kms.devices.any || !policy.kms.devices.values.empty()) return ok();
  return fail(Errc::config,
              "{}: [kms] devices names no machine, so the KMS would refuse to work on this one\n"
              "'dstack kms policy allow-kms {} --device HEX' adds its device id",
              policy.name, policy.name);
}

Status check_evidence(const kms::Policy& policy, const NewVm& vm)
{
  if (vm.spec.tee != store::Tee::sim || policy.evidence.simulated) return ok();
  return fail(Errc::config,
              "{}: the TEE of this machine is simulated, and [evidence] does not allow that: the "
              "KMS would refuse itself",
              policy.name);
}

/// As this host reaches it.
std::string url_of_kms(const NewVm& vm)
{
  const auto published = vm.app.project.published_ports();
  for (const vm::PortForward& port : vm.spec.ports) {
    if (published.empty() || port.vm_port != published.front().published) continue;
    const std::string url = url_of(port);
    return "https" + url.substr(url.find(':'));
  }
  return "URL";
}

/// What the custodians do next.
void note_next(Context& ctx, const Options& o, const NewVm& vm)
{
  const std::string where = url_of_kms(vm);
  ctx.ui().note(fmt::format(
      "the root is sealed until {} of its custodians open it. Each of them:\n"
      "  dstack kms share get {} --mr MR_AGGREGATED --share-key-file KEY\n"
      "  dstack kms unseal {} --mr MR_AGGREGATED --share-key-file KEY --share FILE",
      o.threshold, where, where));
}

Result<sys::fs::path> kms_image(const Context& ctx)
{
  sys::fs::path out = TRY(ctx.helper("dstack-kms"));
  out.replace_filename(kms_image_file);
  if (sys::fs::exists(out)) return out;
  return fail(Errc::not_found,
              "{} is missing\nthe installation is incomplete: build or install dstack again",
              out.string());
}

Result<App> make_app(const Options& o, const PolicyText& policy, const Context& ctx)
{
  KmsDeployment deployment;
  deployment.settings = TRY(read_settings(o));
  deployment.policy = policy.text;
  deployment.custodians = o.custodians;
  deployment.threshold = o.threshold;
  deployment.join = as_seen_by_guest(o.join);
  if (policy.policy.evidence.simulated) {
    const sys::fs::path tee = ctx.dirs().data / "simulated-tee";
    static_cast<void>(TRY(tee::SimAuthority::open(tee, sys::now())));
    deployment.simulated = TRY(tee::read_sim_trust(tee));
  }
  return kms_app(std::move(deployment), TRY(kms_image(ctx)));
}

Result<Exit> write_bundle(const Options& o, const App& app, Context& ctx)
{
  TRY(write_app_bundle(app, o.bundle).within("{}", o.bundle));
  if (ctx.ui().json())
    ctx.ui().document(codec::Json{}
                          .set("schema", "dstack.kms.deploy.bundle/1")
                          .set("file", o.bundle)
                          .set("app_id", app.app_id)
                          .set("compose_hash", app.compose_hash));
  ctx.ui().line(fmt::format("{}  {}", app.compose_hash, o.bundle));
  return Exit::ok;
}

Result<Exit>
deploy(const Options& o, const kms::Policy& policy, App app, Context& ctx, Stages& stages)
{
  const config::Config config = TRY(load_config(ctx, o.vm.settings));
  use_programs(config);
  TRY(vm_store(ctx).sweep());
  NewVm vm;
  vm.app = std::move(app);
  vm.images = Images::carried;
  TRY(plan_vm(o.vm, ctx, config, vm, stages));
  TRY(check_evidence(policy, vm));
  TRY(check_allows_itself(policy, vm));
  if (vm.spec.tee == store::Tee::sim)
    ctx.ui().warn("a development arrangement: the TEE is simulated, so no hardware vouches for "
                  "this KMS, and this host can read its root");
  if (o.vm.dry_run) return print_plan(ctx, vm);
  const Exit exit = TRY(bring_up(o.vm, ctx, config, vm, stages, "dstack.kms.deploy/1"));
  if (exit == Exit::ok) note_next(ctx, o, vm);
  return exit;
}

Result<Exit> run(const Options& o, Context& ctx)
{
  Stages stages{ctx.ui()};
  TRY(check(o.vm));
  TRY(check_custodians(o));
  if (!o.join.empty())
    static_cast<void>(TRY(as_usage(kmsclient::parse_url(o.join).within("--join"))));
  const PolicyText policy = TRY(read_policy(o));
  App app = TRY(make_app(o, policy, ctx));
  if (!o.bundle.empty()) return write_bundle(o, app, ctx);
  return deploy(o, policy.policy, std::move(app), ctx, stages);
}

} // namespace

void add_kms_deploy(Tree& tree)
{
  auto o = std::make_shared<Options>();
  o->vm.name = "kms";
  Leaf& leaf = tree.leaf("kms deploy", "Run a KMS in a VM");
  leaf.option("--name", o->vm.name, "NAME", "Name of the VM").fallback("kms");
  leaf.file("--policy", o->policy, "Who gets keys; it becomes part of what is measured").required();
  leaf.option("--domain", o->domains, "NAME",
              "A name or address that VMs ask it under (default: localhost, 127.0.0.1, 10.0.2.2)")
      .repeats();
  leaf.file("--settings", o->settings,
            "kms.toml of the KMS, measured too; it has to listen on 0.0.0.0 (default: what suits a "
            "VM)");
  leaf.option("--custodian", o->custodians, "NAME=KEY",
              "Somebody who gets a share of the root, sealed to a key of 'dstack kms share key'")
      .repeats()
      .group("Custodians");
  leaf.number("--threshold", o->threshold, "T", "How many of them open the root")
      .group("Custodians");
  leaf.option("--join", o->join, "URL", "Take over the root of this KMS instead of making one");
  leaf.file("--bundle", o->bundle,
            "Only write the app, for 'dstack deploy' on another host and for 'dstack update'");
  add_new_vm_options(leaf, o->vm);
  add_wait_options(leaf, o->vm.launch, o->vm.settings);
  leaf.json("dstack.kms.deploy/1")
      .describe(
          "Deploys the KMS as an app of its own: the image that comes with dstack, in a VM that "
          "attests it. Settings, policy and custodians are in the compose file and so in what is "
          "measured; the policy allows this very system to be a KMS, too. Without TEE hardware it "
          "is a development arrangement, and is said to be one.\n\n"
          "The root is made in the VM at its first start, or taken over from another KMS (which "
          "must allow this one), and never leaves it. It is sealed on the VM's disk, at once and "
          "after each restart, until as many custodians as the threshold have sent their shares. "
          "'dstack kms share get' fetches a share from the KMS after verifying it: shares are "
          "sealed to their custodians' keys, so that anybody may see them. A root serves no app "
          "before a quorum has shown that it holds its shares.\n\n"
          "Another policy is another measurement, so that custodians decide whether they open the "
          "root for it. Apps that come and go are best decided by a webhook or contract that the "
          "policy names. 'dstack update' with a bundle brings another policy in; but where an SGX "
          "enclave gives the VM its disk's key, what measures something else finds an empty disk: "
          "have a replica that it can --join.")
      .example("dstack kms deploy --policy policy.toml --domain kms.example.com --custodian "
               "alice=KEY --custodian bob=KEY --custodian carol=KEY --threshold 2",
               "A KMS whose root any two of three open")
      .example("dstack kms deploy --name kms-2 --policy policy.toml --custodian alice=KEY "
               "--threshold 1 --join https://kms.example.com:8000 --port 8001:8000",
               "A replica of another one")
      .example("dstack kms deploy --policy new.toml --custodian alice=KEY --threshold 1 --bundle "
               "kms.bundle",
               "Another policy: 'dstack update kms kms.bundle' runs it")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
