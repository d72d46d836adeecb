#include "cli/deploy/boot_options.hpp"

#include "base/text.hpp"
#include "cli/context.hpp"
#include "keys/env.hpp"
#include "x509/read.hpp"

#include <set>

namespace dstack::cli {

namespace {

constexpr std::size_t max_script = std::size_t{1} << 20U;
constexpr std::size_t max_certificate = std::size_t{64} << 10U;

/// What protects a running app and would be gone, unseen, with an app-compose made from a compose
/// file: there is no option for it.
Status check_kept(const compose::AppCompose& before)
{
  if (!before.requirements) return ok();
  const compose::Requirements& all = *before.requirements;
  if (!all.os_version && !all.platforms && !all.tdx_measure_acpi_tables && !all.gpu_policy)
    return ok();
  return fail(Errc::usage, "the running app has requirements, which a compose file cannot say: "
                           "update it with an app-compose.json");
}

/// Settings of a running app that a compose file does not hold.
void keep(const compose::AppCompose& before, compose::BuildOptions& build)
{
  build.key_provider = before.key_provider;
  build.key_provider_id = before.key_provider_id;
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
  build.gateway_enabled = before.gateway_enabled;
  if (const codec::Json* policy = before.json.find("port_policy")) build.port_policy = *policy;
  if (before.requirements) build.launch_token_hash = before.requirements->launch_token_hash;
}

Result<compose::KeyProvider> provider_of(const std::string& name)
{
  for (const auto provider :
       {compose::KeyProvider::none, compose::KeyProvider::local, compose::KeyProvider::kms})
    if (name == compose::name_of(provider)) return provider;
  return fail(Errc::internal, "key provider {}", name);
}

/// Keys follow from their provider: with another one the app could not read its own data.
Status check_same_keys(const compose::AppCompose& before, const compose::BuildOptions& build)
{
  if (before.key_provider_id.empty() || (build.key_provider == before.key_provider &&
                                         build.key_provider_id == before.key_provider_id))
    return ok();
  return fail(
      Errc::usage,
      "the running app takes keys from {} {} alone, and its data can be read with no others\n"
      "another key provider is for another VM: 'dstack deploy'",
      compose::name_of(before.key_provider), hex(before.key_provider_id));
}

} // namespace

bool BootOptions::any() const
{
  return !key_provider.empty() || !kms_root.empty() || !allow_envs.empty() ||
         !init_scripts.empty() || !pre_launch_script.empty() || swap_bytes != 0 ||
         !event_log.empty();
}

void add_boot_options(Leaf& leaf, BootOptions& options)
{
  leaf.option(
          "--key-provider", options.key_provider, "NAME",
          "Where the app's keys come from: none, local (an SGX enclave of the same host), or kms")
      .choices({"none", "local", "kms"})
      .fallback("none")
      .group("App");
  leaf.option("--kms-root", options.kms_root, "HEX|FILE",
              "The only KMS whose keys the app takes: its root key in hex, or its root certificate")
      .group("App");
  leaf.option("--allow-env", options.allow_envs, "NAME",
              "A variable that may reach the app encrypted; the name is measured, the value is not")
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
  if (!options.key_provider.empty()) {
    build.key_provider = TRY(provider_of(options.key_provider));
    if (before == nullptr || before->key_provider != build.key_provider) build.key_provider_id = {};
  }
  if (!options.kms_root.empty()) build.key_provider_id = TRY(read_kms_root(options.kms_root));
  if (!options.kms_root.empty() && build.key_provider != compose::KeyProvider::kms)
    return fail(Errc::usage, "--kms-root is for --key-provider kms");
  if (before != nullptr) TRY(check_same_keys(*before, build));
  build.allowed_envs = TRY(allowed_envs(options, before));
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
  if (options.gateway) build.gateway_enabled = true;
  return ok();
}

Result<std::vector<std::string>> allowed_envs(const BootOptions& options,
                                              const compose::AppCompose* before)
{
  if (options.allow_envs.empty())
    return before == nullptr ? std::vector<std::string>{} : before->allowed_envs;
  std::set<std::string> names;
  for (const std::string& name : options.allow_envs)
    for (const std::string_view one : split(name, ','))
      names.emplace(one);
  for (const std::string& name : names)
    TRY(as_usage(keys::check_variable_name(name).within("--allow-env")));
  return std::vector<std::string>(names.begin(), names.end());
}

Result<Bytes> read_kms_root(const std::string& value)
{
  constexpr std::size_t spki_size = 91;
  const auto raw = parse_hex(value);
  if (raw && raw->size() == spki_size) return *raw;
  std::error_code ignored;
  if (!sys::fs::exists(value, ignored))
    return fail(Errc::usage,
                "--kms-root: '{}' is neither a file nor the key of a KMS root ({} hex digits)",
                printable(value), 2 * spki_size);
  const Bytes file = TRY(sys::read_file(value, max_certificate).within("--kms-root"));
  const Bytes der = TRY(x509::first_certificate(file).within("--kms-root: {}", value));
  Bytes spki = TRY(x509::read_certificate(der).within("--kms-root: {}", value)).spki;
  if (spki.size() != spki_size)
    return fail(Errc::usage, "--kms-root: {} is no KMS root: its key is none of P-256", value);
  return spki;
}

} // namespace dstack::cli
