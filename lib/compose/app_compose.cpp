#include "compose/app_compose.hpp"

#include "base/text.hpp"
#include "codec/json_list.hpp"
#include "compose/project.hpp"
#include "crypto/hash.hpp"

#include <algorithm>

namespace dstack::compose {

using codec::Json;

namespace {

constexpr std::size_t max_name_bytes = 128;
constexpr codec::JsonStyle canonical{-1, codec::JsonOrder::sorted, codec::JsonEscape::utf8};

std::array<std::uint8_t, 20> first_20(const crypto::Sha256Digest& digest)
{
  std::array<std::uint8_t, 20> out{};
  std::copy_n(digest.begin(), out.size(), out.begin());
  return out;
}

void drop(Json& object, std::string_view key)
{
  auto& members = object.members();
  const auto named = [key](const auto& member) { return member.first == key; };
  members.erase(std::remove_if(members.begin(), members.end(), named), members.end());
}

void prune_unused(Json& object)
{
  const Json* runner = object.find("runner");
  const std::string name = runner != nullptr && runner->is_string() ? runner->text() : "";
  if (name == "bash") drop(object, "docker_compose_file");
  if (name.ends_with("-compose")) drop(object, "bash_script");
  const Json* script = object.find("pre_launch_script");
  if (script != nullptr && script->is_string() && script->text().empty())
    drop(object, "pre_launch_script");
}

} // namespace

std::string_view name_of(Runner runner)
{
  switch (runner) {
  case Runner::docker_compose:
    return "docker-compose";
  case Runner::nerdctl_compose:
    return "nerdctl-compose";
  case Runner::bash:
    return "bash";
  case Runner::none:
    return "none";
  }
  return "none";
}

std::string_view name_of(KeyProvider provider)
{
  switch (provider) {
  case KeyProvider::none:
    return "none";
  case KeyProvider::kms:
    return "kms";
  case KeyProvider::local:
    return "local";
  case KeyProvider::tpm:
    return "tpm";
  }
  return "none";
}

ComposeHash compose_hash(ByteView app_compose)
{
  return crypto::sha256(app_compose);
}

AppId app_id(const ComposeHash& hash)
{
  return first_20(hash);
}

InstanceId instance_id(ByteView seed, const AppId& app, ByteView binding)
{
  return first_20(crypto::sha256(concat({seed, app, binding})));
}

namespace {

/// Only what is asked for: an app that asks for none of it keeps its hash.
void add_boot_options(const BuildOptions& options, Json& out)
{
  if (options.init_scripts.size() == 1)
    out.set("init_script", options.init_scripts[0]);
  else if (!options.init_scripts.empty())
    out.set("init_script", codec::list_of(options.init_scripts));
  if (!options.pre_launch_script.empty()) out.set("pre_launch_script", options.pre_launch_script);
  if (!options.allowed_envs.empty()) out.set("allowed_envs", codec::list_of(options.allowed_envs));
  if (!options.key_provider_id.empty()) out.set("key_provider_id", hex(options.key_provider_id));
  if (options.port_policy) out.set("port_policy", *options.port_policy);
  if (options.swap_bytes != 0) out.set("swap_size", options.swap_bytes);
  if (options.event_log_version != 1) out.set("event_log_version", options.event_log_version);
  if (options.launch_token_hash)
    out.set("requirements", Json{}.set("launch_token_hash", hex(*options.launch_token_hash)));
}

} // namespace

Result<std::string> build_app_compose(const BuildOptions& options)
{
  if (options.name.empty() || options.name.size() > max_name_bytes)
    return fail(Errc::usage, "an app name of {} bytes (want 1 to {})", options.name.size(),
                max_name_bytes);
  TRY(check_env_files(options.env_files).within("environment files"));
  Json out = Json::object();
  const bool newer = options.init_scripts.size() > 1 || options.launch_token_hash;
  out.set("manifest_version", newer ? Json{"3"} : Json{2})
      .set("name", options.name)
      .set("runner", name_of(Runner::docker_compose))
      .set("docker_compose_file", options.docker_compose_file)
      .set("key_provider", name_of(options.key_provider))
      .set("kms_enabled", options.key_provider == KeyProvider::kms)
      .set("local_key_provider_enabled", options.key_provider == KeyProvider::local)
      .set("gateway_enabled", options.gateway_enabled)
      .set("public_logs", options.public_logs)
      .set("public_sysinfo", options.public_sysinfo)
      .set("public_tcbinfo", options.public_tcbinfo)
      .set("no_instance_id", options.no_instance_id)
      .set("secure_time", options.secure_time);
  if (!options.storage_fs.empty()) out.set("storage_fs", options.storage_fs);
  if (!options.env_files.empty()) {
    Json files = Json::object();
    for (const auto& [path, text] : options.env_files)
      files.set(path, text);
    out.set("env_files", std::move(files));
  }
  add_boot_options(options, out);
  std::string text = codec::write_json(out, canonical);
  TRY(parse_app_compose(text));
  return text;
}

Result<std::string> normalise_app_compose(std::string_view text, Prune prune)
{
  codec::JsonLimits limits;
  limits.max_bytes = max_app_compose_bytes;
  Json value = TRY(codec::parse_json(text, limits).within("app-compose"));
  if (!value.is_object()) return fail(Errc::malformed, "app-compose: not an object");
  if (prune == Prune::unused_fields) prune_unused(value);
  return codec::write_json(value, canonical);
}

std::array<std::uint8_t, 32> launch_token_hash(std::string_view token)
{
  return crypto::sha256(concat({as_bytes("dstack-launch-token/v1:"), as_bytes(token)}));
}

std::array<std::uint8_t, 32> gpu_policy_hash(const AppCompose& app)
{
  const bool given = app.requirements && app.requirements->gpu_policy;
  const Json policy = given ? *app.requirements->gpu_policy : Json::object();
  return crypto::sha256(as_bytes(codec::write_json(policy, canonical)));
}

} // namespace dstack::compose
