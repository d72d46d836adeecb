#include "base/text.hpp"
#include "compose/app_compose.hpp"
#include "compose/env_files.hpp"
#include "compose/fields.hpp"
#include "compose/requirements.hpp"

#include <algorithm>

namespace dstack::compose {

using codec::Json;

namespace {

constexpr int newest_manifest = 3;
constexpr std::size_t max_init_scripts = 5;

/// 1 and 2 as number or string; from 3 on a string, so that older guests fail instead of guessing.
Result<int> manifest_version(const Json& object)
{
  const Json* value = object.find("manifest_version");
  if (value == nullptr) return fail(Errc::malformed, "missing");
  if (value->is_string()) {
    const std::string& text = value->text();
    const auto number = parse_u64(text);
    if (!number || *number == 0 || std::to_string(*number) != text)
      return fail(Errc::malformed, "\"{}\" (want \"1\" to \"{}\")", printable(text),
                  newest_manifest);
    if (*number > newest_manifest)
      return fail(Errc::unsupported, "\"{}\" is newer than this program knows ({})", text,
                  newest_manifest);
    return static_cast<int>(*number);
  }
  const std::uint64_t number = TRY(value->as_u64());
  if (number >= newest_manifest)
    return fail(Errc::malformed, "{} as a number (from 3 on a string: \"{}\")", number, number);
  if (number == 0) return fail(Errc::malformed, "0 (want 1 or 2, or \"1\" to \"3\")");
  return static_cast<int>(number);
}

Result<std::string> required_text(const Json& object, std::string_view key)
{
  const auto value = TRY(text_field(object, key, WhenNull::refuse));
  if (!value) return fail(Errc::malformed, "{}: missing", key);
  return *value;
}

Result<Runner> runner(const Json& object, int manifest)
{
  const std::string text = TRY(required_text(object, "runner"));
  for (const Runner known :
       {Runner::docker_compose, Runner::nerdctl_compose, Runner::bash, Runner::none}) {
    if (text != name_of(known)) continue;
    if (known == Runner::nerdctl_compose && manifest < 3)
      return fail(Errc::malformed, "runner: nerdctl-compose needs manifest_version \"3\"");
    return known;
  }
  return fail(Errc::malformed,
              "runner: \"{}\" (want docker-compose, nerdctl-compose, bash or none)",
              printable(text));
}

Result<std::string> snapshotter(const Json& object, Runner runner)
{
  const auto text = TRY(text_field(object, "snapshotter", WhenNull::as_missing));
  if (!text) return std::string{runner == Runner::nerdctl_compose ? "overlayfs" : ""};
  if (*text != "overlayfs" && *text != "stargz")
    return fail(Errc::malformed, "snapshotter: \"{}\" (want overlayfs or stargz)",
                printable(*text));
  if (runner != Runner::nerdctl_compose)
    return fail(Errc::malformed, "snapshotter: only with runner nerdctl-compose");
  return *text;
}

Result<std::vector<std::string>> init_script(const Json& object, int manifest)
{
  const Json* value = object.find("init_script");
  if (value == nullptr || value->is_null()) return std::vector<std::string>{};
  if (value->is_string()) return std::vector<std::string>{value->text()};
  if (!value->is_array()) return fail(Errc::malformed, "neither a string nor a list");
  auto scripts = TRY(text_list(*value));
  if (scripts.size() > max_init_scripts)
    return fail(Errc::malformed, "{} scripts (limit {})", scripts.size(), max_init_scripts);
  if (scripts.size() > 1 && manifest < 3)
    return fail(Errc::malformed, "more than one script needs manifest_version \"3\"");
  return scripts;
}

/// key_provider wins over the two older switches.
Status key_provider(const Json& object, AppCompose& app)
{
  const bool kms = TRY(flag_field(object, "kms_enabled", false));
  const bool local = TRY(flag_field(object, "local_key_provider_enabled", false));
  const auto text = TRY(text_field(object, "key_provider", WhenNull::as_missing));
  app.key_provider_id =
      TRY(parse_hex(TRY(text_field(object, "key_provider_id", WhenNull::refuse)).value_or(""))
              .within("key_provider_id"));
  if (!text) {
    app.key_provider = kms ? KeyProvider::kms : local ? KeyProvider::local : KeyProvider::none;
    app.key_provider_field = kms     ? "kms_enabled"
                             : local ? "local_key_provider_enabled"
                                     : "key_provider";
    return ok();
  }
  app.key_provider_field = "key_provider";
  for (const KeyProvider known :
       {KeyProvider::none, KeyProvider::kms, KeyProvider::local, KeyProvider::tpm})
    if (*text == name_of(known)) {
      app.key_provider = known;
      return ok();
    }
  return fail(Errc::malformed, "key_provider: \"{}\" (want none, kms, local or tpm)",
              printable(*text));
}

Result<bool> gateway_enabled(const Json& object)
{
  const bool current = TRY(flag_field(object, "gateway_enabled", false));
  const bool older = TRY(flag_field(object, "tproxy_enabled", false));
  const auto features = TRY(optional_field(object, "features", WhenNull::refuse, text_list));
  if (current || older) return true;
  return features && std::find(features->begin(), features->end(), "tproxy-net") != features->end();
}

Result<std::string> storage_fs(const Json& object)
{
  const auto text = TRY(text_field(object, "storage_fs", WhenNull::as_missing)).value_or("");
  if (!text.empty() && text != "zfs" && text != "ext4")
    return fail(Errc::malformed, "storage_fs: \"{}\" (want zfs or ext4)", printable(text));
  return text;
}

Result<std::uint64_t> swap_bytes(const Json& value)
{
  if (value.is_string()) return parse_size(value.text());
  return value.as_u64();
}

Result<int> event_log_version(const Json& value)
{
  const std::uint64_t version = TRY(value.as_u64());
  if (version != 1 && version != 2) return fail(Errc::malformed, "{} (want 1 or 2)", version);
  return static_cast<int>(version);
}

Result<PolicyPort> policy_port(const Json& value)
{
  if (!value.is_object()) return fail(Errc::malformed, "not an object");
  PolicyPort out;
  const std::uint64_t port = TRY(value.need_u64("port"));
  if (port > 65535) return fail(Errc::malformed, "port: {} is above 65535", port);
  out.port = static_cast<std::uint16_t>(port);
  out.proxy_protocol = TRY(flag_field(value, "pp", false));
  return out;
}

Status port_policy(const Json& object, AppCompose& app)
{
  const Json* value = object.find("port_policy");
  if (value == nullptr) return ok();
  if (!value->is_object()) return fail(Errc::malformed, "not an object");
  const auto ports = TRY(optional_field(*value, "ports", WhenNull::refuse, [](const Json& list) {
    return list_of(list, policy_port);
  }));
  app.policy_ports = ports.value_or(std::vector<PolicyPort>{});
  app.restrict_ports = TRY(flag_field(*value, "restrict_mode", false));
  return ok();
}

Result<VerityVolume> verity_volume(const Json& value)
{
  if (!value.is_object()) return fail(Errc::malformed, "not an object");
  VerityVolume out;
  out.source = TRY(required_text(value, "source"));
  out.verity_root =
      TRY(parse_hex_array<32>(TRY(required_text(value, "verity_root"))).within("verity_root"));
  out.target = TRY(required_text(value, "target"));
  if (!out.target.starts_with('/')) return fail(Errc::malformed, "target: not an absolute path");
  return out;
}

Result<std::vector<VerityVolume>> verity_volumes(const Json& value)
{
  auto volumes = TRY(list_of(value, verity_volume));
  for (std::size_t i = 0; i < volumes.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (volumes[i].target == volumes[j].target)
        return fail(Errc::malformed, "[{}]: target {} twice", i, printable(volumes[i].target));
  return volumes;
}

Status parse_switches(const Json& object, AppCompose& app)
{
  app.public_logs = TRY(flag_field(object, "public_logs", false));
  app.public_sysinfo = TRY(flag_field(object, "public_sysinfo", false));
  app.public_tcbinfo = TRY(flag_field(object, "public_tcbinfo", true));
  app.gateway_enabled = TRY(gateway_enabled(object));
  app.no_instance_id = TRY(flag_field(object, "no_instance_id", false));
  app.secure_time = TRY(flag_field(object, "secure_time", true));
  return ok();
}

Status parse_program(const Json& object, AppCompose& app)
{
  app.runner = TRY(runner(object, app.manifest_version));
  app.snapshotter = TRY(snapshotter(object, app.runner));
  app.docker_compose_file = TRY(text_field(object, "docker_compose_file", WhenNull::as_missing));
  app.bash_script = TRY(text_field(object, "bash_script", WhenNull::as_missing));
  app.pre_launch_script = TRY(text_field(object, "pre_launch_script", WhenNull::as_missing));
  app.init_script = TRY(init_script(object, app.manifest_version).within("init_script"));
  const auto envs = TRY(optional_field(object, "allowed_envs", WhenNull::refuse, text_list));
  app.allowed_envs = envs.value_or(std::vector<std::string>{});
  const Json* files = object.find("env_files");
  if (files != nullptr) app.env_files = TRY(parse_env_files(*files).within("env_files"));
  return ok();
}

Status parse_machine(const Json& object, AppCompose& app)
{
  app.storage_fs = TRY(storage_fs(object));
  app.swap_bytes =
      TRY(optional_field(object, "swap_size", WhenNull::refuse, swap_bytes)).value_or(0);
  app.event_log_version =
      TRY(optional_field(object, "event_log_version", WhenNull::refuse, event_log_version))
          .value_or(1);
  TRY(port_policy(object, app).within("port_policy"));
  app.verity_volumes =
      TRY(optional_field(object, "verity_volumes", WhenNull::refuse, verity_volumes))
          .value_or(std::vector<VerityVolume>{});
  app.requirements =
      TRY(optional_field(object, "requirements", WhenNull::as_missing, parse_requirements));
  if (app.requirements && app.manifest_version < 3)
    return fail(Errc::malformed, "requirements: needs manifest_version \"3\"");
  return ok();
}

Result<AppCompose> parse(std::string_view text)
{
  codec::JsonLimits limits;
  limits.max_bytes = max_app_compose_bytes;
  AppCompose app;
  app.json = TRY(codec::parse_json(text, limits));
  if (!app.json.is_object()) return fail(Errc::malformed, "not an object");
  app.manifest_version = TRY(manifest_version(app.json).within("manifest_version"));
  app.name = TRY(required_text(app.json, "name"));
  TRY(parse_program(app.json, app));
  TRY(parse_switches(app.json, app));
  TRY(key_provider(app.json, app));
  TRY(parse_machine(app.json, app));
  return app;
}

} // namespace

Result<AppCompose> parse_app_compose(std::string_view text)
{
  return parse(text).within("app-compose");
}

} // namespace dstack::compose
