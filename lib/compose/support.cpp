#include "base/text.hpp"
#include "compose/app_compose.hpp"

/// The guest of this build carries out a part of app-compose. What it does not, it must refuse: a
/// field that is measured but ignored would make the measurement say something untrue.

namespace dstack::compose {

namespace {

class Findings {
public:
  void when(bool asked, std::string_view field, std::string_view why)
  {
    if (asked) found_.push_back({std::string{field}, std::string{why}});
  }
  std::vector<UnsupportedField> take() { return std::move(found_); }

private:
  std::vector<UnsupportedField> found_;
};

bool has_login(const AppCompose& app)
{
  const codec::Json* config = app.json.find("docker_config");
  if (config == nullptr || config->is_null()) return false;
  return !config->is_object() || !config->members().empty();
}

} // namespace

std::vector<UnsupportedField> check_supported(const AppCompose& app)
{
  Findings out;
  out.when(app.runner != Runner::docker_compose, "runner", "only docker-compose is run");
  out.when(app.runner == Runner::docker_compose && !app.docker_compose_file, "docker_compose_file",
           "there is nothing to run");
  out.when(!app.init_script.empty(), "init_script", "scripts are not run in this guest");
  out.when(app.pre_launch_script && !app.pre_launch_script->empty(), "pre_launch_script",
           "scripts are not run in this guest");
  out.when(has_login(app), "docker_config", "no registry login; put the images in the bundle");
  out.when(!app.allowed_envs.empty(), "allowed_envs", "encrypted variables need a key service");
  out.when(app.key_provider != KeyProvider::none, app.key_provider_field,
           fmt::format("keys from {} cannot be had yet", name_of(app.key_provider)));
  out.when(!app.key_provider_id.empty(), "key_provider_id", "there is no key provider to check");
  out.when(app.gateway_enabled, "gateway_enabled", "there is no gateway yet");
  out.when(!app.policy_ports.empty() || app.restrict_ports, "port_policy",
           "there is no gateway to carry it out");
  out.when(app.secure_time, "secure_time", "the guest has no trusted source of time; say false");
  out.when(app.storage_fs == "zfs", "storage_fs", "the data disk is ext4");
  out.when(app.swap_bytes != 0, "swap_size", "there is no swap");
  out.when(app.event_log_version != 1, "event_log_version", "only version 1 is written");
  out.when(!app.verity_volumes.empty(), "verity_volumes", "there are no read-only volumes yet");
  out.when(app.requirements.has_value(), "requirements", "requirements are not checked yet");
  return out.take();
}

Status require_supported(const AppCompose& app)
{
  const auto fields = check_supported(app);
  if (fields.empty()) return ok();
  std::vector<std::string> pieces;
  for (const auto& [field, why] : fields)
    pieces.push_back(fmt::format("{} ({})", field, why));
  return fail(Errc::unsupported, "app-compose asks for {}", join(pieces, "; "));
}

} // namespace dstack::compose
