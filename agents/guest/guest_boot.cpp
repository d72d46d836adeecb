#include "guest/guest.hpp"

#include "base/text.hpp"
#include "crypto/random.hpp"
#include "guest/block_device.hpp"
#include "guest/cmdline.hpp"
#include "guest/config_share.hpp"
#include "guest/console.hpp"
#include "guest/image_bundle.hpp"
#include "guest/launch_policy.hpp"
#include "guest/modules.hpp"
#include "guest/mounts.hpp"
#include "guest/network.hpp"
#include "guest/override_file.hpp"
#include "guest/shutdown.hpp"
#include "guest/snp_kernel.hpp"
#include "guest/tdx_kernel.hpp"
#include "guestapi/proc_text.hpp"
#include "sys/clock.hpp"
#include "tee/sim_guest.hpp"

#include <csignal>
#include <cstdlib>
#include <sys/mount.h>

namespace dstack::guest {

namespace {

constexpr std::size_t max_text = 64 * 1024;
constexpr std::chrono::milliseconds modules_deadline{60'000};
constexpr std::chrono::milliseconds daemon_deadline{180'000};
constexpr std::chrono::milliseconds host_deadline{30'000};
const sys::fs::path event_directory = "/run/log/dstack";

/// What containers and the host network need; loaded by a helper process beside the boot.
const std::vector<std::string> network_modules = {
    "virtio_net",   "virtio_rng",    "bridge",
    "br_netfilter", "veth",          "nf_tables",
    "nft_compat",   "nft_chain_nat", "nf_conntrack_netlink",
    "xt_conntrack", "xt_MASQUERADE", "xt_addrtype",
    "xt_nat",       "xt_tcpudp"};
/// Encryption of the data disk; aesni_intel tests itself while it loads, so a helper does it too.
const std::vector<std::string> crypto_modules = {"aesni_intel", "dm_crypt"};
/// The tunnel to the gateway.
const std::vector<std::string> gateway_modules = {"wireguard"};
/// The configuration disk: needed at once.
const std::vector<std::string> share_modules = {"vfat", "nls_cp437", "nls_ascii", "nls_iso8859_1",
                                                "nls_utf8"};

/// PCI devices of class 03: display controllers, which is what GPUs are (spec guest 15.2).
std::size_t display_controllers()
{
  std::size_t count = 0;
  std::error_code error;
  for (const auto& entry : sys::fs::directory_iterator{"/sys/bus/pci/devices", error}) {
    const auto text = sys::read_text(entry.path() / "class", max_text);
    if (text && (text->starts_with("0x0300") || text->starts_with("0x0302"))) ++count;
  }
  return count;
}

Result<LaunchFacts> launch_facts(const SysConfig& config, std::string user_config)
{
  const std::string release = TRY(sys::read_text("/etc/os-release", max_text));
  LaunchFacts out;
  out.os_version = guestapi::os_release_value(release, "VERSION_ID");
  out.platform = "dstack-tdx"; // the simulated TEE emulates one
  out.vm_config = config.vm_config;
  out.user_config = std::move(user_config);
  out.display_pcis = display_controllers();
  return out;
}

/// Starts a program only so that the kernel and QEMU have its code ready; nobody waits for it.
void warm(Processes& processes, std::vector<std::string> argv)
{
  sys::Command command;
  command.argv = std::move(argv);
  command.env = {{"HOME", "/root"}};
  static_cast<void>(processes.start(std::move(command), {}, [](const Finished&) {}));
}

} // namespace

void Guest::stage(std::string_view text)
{
  console_stage(guest_name, text);
  if (host_) host_->notify("boot.progress", text);
}

void Guest::give_up(const Error& error)
{
  constexpr std::chrono::milliseconds tell_deadline{5000};
  console_stage(guest_name, "boot failed: " + error.message());
  if (host_) host_->notify_surely("boot.error", error.message(), tell_deadline);
  power_off_now();
}

Status Guest::boot()
{
  ::setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
  TRY(mount_system());
  // Under software emulation address randomisation makes every program translate anew.
  const bool emulated = is_software_emulated();
  if (emulated) {
    static_cast<void>(write_setting("/proc/sys/kernel/randomize_va_space", "0"));
    // The kernel measures the processor's clock at start; on a loaded host an emulated one comes
    // out many times too slow, and every deadline here would pass at once. The ACPI timer's
    // frequency is fixed, so it needs no measuring.
    static_cast<void>(write_setting(
        "/sys/devices/system/clocksource/clocksource0/current_clocksource", "acpi_pm"));
  }
  TRY(loop_->on_signals({SIGCHLD, SIGTERM, SIGINT}, [this](int signal) {
    if (signal == SIGCHLD)
      processes_.reap_orphans();
    else
      request_shutdown();
  }));
  console_stage(guest_name, emulated ? "file systems mounted (software emulation: no address "
                                       "randomisation)"
                                     : "file systems mounted");
  TRY(start_helpers());
  TRY(open_host());
  TRY(read_configuration());
  TRY(measure().within("measurement"));
  TRY(obtain_keys());
  TRY(prepare_disk());
  return start_containers();
}

/// Loads modules in a process of its own; await_modules waits for its end.
Result<std::shared_ptr<std::optional<Finished>>>
Guest::load_beside(const std::vector<std::string>& names)
{
  sys::Command load;
  load.argv = {"/proc/self/exe", "load-modules"};
  load.argv.insert(load.argv.end(), names.begin(), names.end());
  auto result = std::make_shared<std::optional<Finished>>();
  TRY(processes_.start(std::move(load), {}, [this, result](const Finished& finished) {
    *result = finished;
    loop_->stop();
  }));
  return result;
}

Status Guest::await_modules(const std::shared_ptr<std::optional<Finished>>& loading)
{
  TRY(run_until(
      *loop_, [&] { return loading->has_value(); }, modules_deadline, "loading modules"));
  // Not fatal by itself: what really needs a missing module fails with its own reason.
  if (!(*loading)->state.success())
    console_stage(guest_name, "modules: " + last_lines((*loading)->tail));
  return ok();
}

/// What can run beside the boot: modules, and containerd, which needs nothing but the root.
Status Guest::start_helpers()
{
  cmdline_ = TRY(parse_cmdline(TRY(sys::read_text("/proc/cmdline", max_text))));
  crypto_loading_ = TRY(load_beside(crypto_modules));
  network_loading_ = TRY(load_beside(network_modules));
  runtime_ = std::make_unique<Runtime>(*loop_, processes_, [this](const std::string& what) {
    console_stage(guest_name, what);
    if (booted_) host_->notify("app.error", what);
  });
  TRY(runtime_->start_containerd());
  TRY(load_modules(share_modules).within("kernel modules"));
  return bring_up_loopback();
}

Status Guest::open_host()
{
  host_ = TRY(HostLink::open(*loop_));
  host_->serve([this](const std::string& method, const codec::Json& params, HostReply reply) {
    serve_host(method, params, reply);
  });
  codec::Json hello;
  hello.set("protocol", 1).set("agent", agent_version);
  const codec::Json answer = TRY(host_->call("Hello", std::move(hello), host_deadline));
  return open_tee(TRY(answer.get_string("tee", "sim")));
}

/// The processor decides, not the host: inside TDX nothing else is used, outside it nothing real
/// is.
Status Guest::open_tee(const std::string& wanted)
{
  if (is_tdx_guest()) {
    tee_ = TRY(open_tdx_kernel());
    return ok();
  }
  if (is_snp_guest()) {
    const tee::SnpReport reports = TRY(open_snp_kernel());
    console_stage(guest_name, describe(TRY(reports.report({}).within("SEV-SNP"))));
    return fail(Errc::unsupported, "this guest reads its SEV-SNP reports, but its agent cannot yet "
                                   "prove an app by them: nothing is started");
  }
  if (wanted != "sim")
    return fail(Errc::unsupported, "the host wants TEE \"{}\"; there is none", printable(wanted));
  sys::Command probe;
  probe.argv = {"/proc/self/exe", "probe-tdx"};
  TRY(processes_.start(std::move(probe), {}, [](const Finished& finished) {
    console_stage(guest_name, last_lines(finished.tail));
  }));
  tee_ = tee::make_simulated([this](std::string_view method, codec::Json params) {
    return host_->call(method, std::move(params), host_deadline);
  });
  return ok();
}

Status Guest::read_configuration()
{
  SharedFiles files = TRY(read_config_share());
  stage("configuration read");
  app_compose_text_ = to_text(files.app_compose);
  app_ = TRY(compose::parse_app_compose(app_compose_text_));
  TRY(compose::require_supported(app_));
  config_ = TRY(parse_sys_config(files.sys_config).within(".sys-config.json"));
  if (app_.gateway_enabled) wireguard_loading_ = TRY(load_beside(gateway_modules));
  known_instance_ = TRY(parse_instance_info(files.instance_info).within(".instance_info"));
  encrypted_env_ = std::move(files.encrypted_env);
  TRY(collect_app());
  TRY(check_requirements(app_, TRY(launch_facts(config_, std::move(files.user_config)))));
  return set_hostname(config_.hostname);
}

Status Guest::measure()
{
  Bytes fresh_seed(20);
  crypto::random_bytes(fresh_seed);
  const bool kept = tee_->simulated() || app_.key_provider != compose::KeyProvider::none;
  const auto continuity = kept ? Continuity::persistent : Continuity::each_boot_new;
  const auto ids = app_.no_instance_id ? InstanceIds::unwanted : InstanceIds::wanted;
  identity_ = identify(as_bytes(app_compose_text_), known_instance_, ids, continuity, fresh_seed);
  const auto version =
      app_.event_log_version == 2 ? attest::EventVersion::v2 : attest::EventVersion::v1;
  const auto extend = [this](const attest::Sha384Digest& digest) {
    return tee_->extend(attest::runtime_register, digest);
  };
  recorder_ = TRY(EventRecorder::open(event_directory, version, extend));
  TRY(record_boot_events(*recorder_, identity_, app_));
  stage("measured");
  return ok();
}

Status Guest::start_containers()
{
  stage("setting up docker");
  TRY(bring_up_network());
  TRY(write_daemon_config());
  TRY(bind_mount(std::string{data_mount_point} + "/var/lib/docker", "/var/lib/docker"));
  TRY(runtime_->start_dockerd());
  warm(processes_, {"/usr/libexec/docker/cli-plugins/docker-compose", "version"});
  warm(processes_, {"runc", "--version"});
  warm(processes_, {"containerd-shim-runc-v2", "-v"});
  TRY(seal_measurement());
  TRY(serve_guest_api().within("guest API"));
  open_gateway();
  TRY(prepare_images());
  TRY(runtime_->wait_ready(daemon_deadline));
  if (config_.bundle) TRY(load_images());
  await_gateway();
  TRY(start_app());
  booted_ = true;
  stage("done");
  watch_app();
  return ok();
}

/// The pre-launch script belongs to the shell that starts the app: what it exports, the app's
/// compose file sees (spec guest 15.3).
Status Guest::start_app()
{
  if (!files_.pre_launch_script.empty()) stage("pre-launch");
  if (app_.runner == compose::Runner::bash) {
    stage("running main script");
    return run_main_script(processes_, files_).within("bash_script");
  }
  stage("starting containers");
  return compose_up(processes_, files_).within("failed to start containers");
}

Status Guest::write_daemon_config()
{
  constexpr const char* path = "/etc/docker/daemon.json";
  if (config_.docker_registry.empty() && config_.insecure_registries.empty()) return ok();
  const std::string base = TRY(sys::read_text(path, max_text));
  const std::string text =
      TRY(daemon_config(base, config_.docker_registry, config_.insecure_registries));
  return sys::write_file_atomic(path, as_bytes(text), sys::Privacy::shared);
}

/// What the app's scripts and compose find in their directory.
Status Guest::collect_app()
{
  files_.project = project_name(app_.name);
  files_.compose = app_.docker_compose_file.value_or("");
  files_.env_files = app_.env_files;
  files_.pre_launch_script = app_.pre_launch_script.value_or("");
  files_.main_script = app_.bash_script.value_or("");
  files_.init_scripts = app_.init_script;
  // Only a KMS gives a key for it. Starting without variables the owner sent would be worse than
  // not starting.
  if (!encrypted_env_.empty() && app_.key_provider != compose::KeyProvider::kms)
    return fail(Errc::unsupported, ".encrypted-env: {} gives no key to decrypt it",
                name_of(app_.key_provider));
  return ok();
}

Status Guest::run_init_scripts()
{
  if (files_.init_scripts.empty()) return ok();
  stage("init-script");
  return run_scripts(processes_, files_).within("init_script");
}

/// With a bundle: which image each service gets.
Status Guest::prepare_images()
{
  if (!config_.bundle) return ok();
  bundle_ = TRY(open_image_bundle(app_).within("image bundle"));
  files_.image_override = TRY(override_file(bundle_->image_of_service));
  return write_app_files(files_).within("app files");
}

Status Guest::load_images()
{
  stage("loading images");
  return load_bundle(runtime_->engine(), *bundle_).within("image bundle");
}

void Guest::run()
{
  auto loop = sys::Loop::create();
  if (!loop) power_off_saying(guest_name, loop.error().message());
  Guest guest{std::move(*loop)};
  if (const Status booted = guest.boot(); !booted) guest.give_up(booted.error());
  const Status served = guest.serve_until_stopped();
  if (!served) guest.give_up(served.error());
  shut_down(*guest.host_, guest.processes_, *guest.runtime_, guest.files_);
}

} // namespace dstack::guest
