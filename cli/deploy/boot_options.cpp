#include "cli/deploy/boot_options.hpp"

#include "cli/context.hpp"

namespace dstack::cli {

namespace {

constexpr std::size_t max_script = std::size_t{1} << 20U;

/// What protects a running app and would be gone, unseen, with an app-compose made from a compose
/// file: there is no option for it.
Status check_kept(const compose::AppCompose& before)
{
  std::string lost;
  if (!before.key_provider_id.empty()) lost = "key_provider_id";
  if (before.requirements) {
    const compose::Requirements& all = *before.requirements;
    if (all.os_version || all.platforms || all.tdx_measure_acpi_tables || all.gpu_policy)
      lost = "requirements";
  }
  if (lost.empty()) return ok();
  return fail(Errc::usage,
              "the running app has {}, which a compose file cannot say: "
              "update it with an app-compose.json",
              lost);
}

/// Settings of a running app that a compose file does not hold.
void keep(const compose::AppCompose& before, compose::BuildOptions& build)
{
  build.key_provider = before.key_provider;
  build.no_instance_id = before.no_instance_id;
  build.public_logs = before.public_logs;
  build.public_sysinfo = before.public_sysinfo;
  build.public_tcbinfo = before.public_tcbinfo;
  build.storage_fs = before.storage_fs;
  build.init_scripts = before.init_script;
  build.pre_launch_script = before.pre_launch_script.value_or("");
  build.allowed_envs = before.allowed_envs;
  build.swap_bytes = before.swap_bytes;
  build.event_log_version = before.event_log_version;
  if (before.requirements) build.launch_token_hash = before.requirements->launch_token_hash;
}

} // namespace

bool BootOptions::any() const
{
  return !key_provider.empty() || !init_scripts.empty() || !pre_launch_script.empty() ||
         swap_bytes != 0 || !event_log.empty();
}

void add_boot_options(Leaf& leaf, BootOptions& options)
{
  leaf.option("--key-provider", options.key_provider, "NAME",
              "Where the app's keys come from: none, or local (an SGX enclave of the same host)")
      .choices({"none", "local"})
      .fallback("none")
      .group("App");
  leaf.option("--init-script", options.init_scripts, "FILE",
              "bash run in the VM before containers start; at most five, run in order")
      .group("App");
  leaf.file("--pre-launch-script", options.pre_launch_script,
            "bash sourced right before the app; what it exports, the compose file sees")
      .group("App");
  leaf.size("--swap", options.swap_bytes, "Swap on the encrypted disk, for example 2G")
      .group("App");
  leaf.option("--event-log", options.event_log, "VERSION", "How runtime events are hashed")
      .choices({"1", "2"})
      .fallback("1")
      .group("App");
}

Status fill_boot_options(const BootOptions& options,
                         const compose::AppCompose* before,
                         compose::BuildOptions& build)
{
  if (before != nullptr) {
    TRY(check_kept(*before));
    keep(*before, build);
  }
  if (!options.key_provider.empty())
    build.key_provider =
        options.key_provider == "local" ? compose::KeyProvider::local : compose::KeyProvider::none;
  if (!options.init_scripts.empty()) {
    build.init_scripts.clear();
    for (const std::string& file : options.init_scripts)
      build.init_scripts.push_back(TRY(sys::read_text(file, max_script).within("--init-script")));
  }
  if (!options.pre_launch_script.empty())
    build.pre_launch_script =
        TRY(sys::read_text(options.pre_launch_script, max_script).within("--pre-launch-script"));
  if (options.swap_bytes != 0) build.swap_bytes = options.swap_bytes;
  if (!options.event_log.empty()) build.event_log_version = options.event_log == "2" ? 2 : 1;
  return ok();
}

} // namespace dstack::cli
