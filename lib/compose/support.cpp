#include "base/text.hpp"
#include "compose/app_compose.hpp"

#include <algorithm>

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

bool has_rego(const AppCompose& app)
{
  if (!app.requirements || !app.requirements->gpu_policy) return false;
  const codec::Json* rego = app.requirements->gpu_policy->find("rego");
  return rego != nullptr && !rego->is_null();
}

bool has_port_zero(const AppCompose& app)
{
  return std::any_of(app.policy_ports.begin(), app.policy_ports.end(),
                     [](const PolicyPort& one) { return one.port == 0; });
}

} // namespace

std::vector<UnsupportedField> check_supported(const AppCompose& app)
{
  Findings out;
  const bool compose = app.runner == Runner::docker_compose;
  const bool bash = app.runner == Runner::bash;
  out.when(!compose && !bash, "runner", "only docker-compose and bash are run");
  out.when(compose && !app.docker_compose_file, "docker_compose_file", "there is nothing to run");
  out.when(bash && !app.bash_script, "bash_script", "there is nothing to run");
  out.when(has_login(app), "docker_config", "no registry login; put the images in the bundle");
  out.when(app.key_provider == KeyProvider::tpm, app.key_provider_field,
           fmt::format("keys from {} cannot be had yet", name_of(app.key_provider)));
  out.when(app.key_provider == KeyProvider::none && !app.key_provider_id.empty(), "key_provider_id",
           "there is no key provider to check");
  out.when(app.gateway_enabled && app.key_provider != KeyProvider::kms, "gateway_enabled",
           "a gateway knows apps by the certificates of a KMS, and this one has none");
  out.when(app.gateway_enabled && app.no_instance_id, "no_instance_id",
           "a gateway knows VMs by their instance id");
  out.when(!app.gateway_enabled && (!app.policy_ports.empty() || app.restrict_ports), "port_policy",
           "there is no gateway to carry it out; say gateway_enabled");
  out.when(has_port_zero(app), "port_policy", "0 is no port");
  out.when(app.secure_time, "secure_time", "the guest has no trusted source of time; say false");
  out.when(app.storage_fs == "zfs", "storage_fs", "the data disk is ext4");
  out.when(!app.verity_volumes.empty(), "verity_volumes", "there are no read-only volumes yet");
  out.when(has_rego(app), "requirements.gpu_policy.rego", "policies in Rego are not evaluated");
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
