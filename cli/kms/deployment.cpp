#include "cli/kms/deployment.hpp"

#include "cli/kms/image.hpp"

namespace dstack::cli {

using codec::Json;

namespace {

constexpr std::string_view anywhere = "0.0.0.0";

/// A literal block of YAML for a key of six blanks; compose reads "$$" as one "$".
std::string block(std::string_view text)
{
  constexpr std::string_view indent = "        ";
  std::string out = "|2\n"; // two blanks deeper than the key, however the text begins
  for (const std::string_view line : split(text, '\n')) {
    if (!line.empty()) out += indent;
    for (const char c : line)
      out += c == '$' ? std::string{"$$"} : std::string{c};
    out += '\n';
  }
  return out;
}

std::string root_text(const KmsDeployment& deployment)
{
  Json custodians = Json::array();
  for (const std::string& one : deployment.custodians)
    custodians.push(one);
  Json out;
  out.set("custodians", std::move(custodians)).set("threshold", deployment.threshold);
  if (!deployment.join.empty()) out.set("join", deployment.join);
  return codec::write_json(out);
}

std::string sim_trust_text(const tee::SimTrust& trust)
{
  return codec::write_json(Json{}.set("root", hex(trust.root)).set("collateral", trust.collateral));
}

} // namespace

kms::Settings settings_in_vm(const std::vector<std::string>& domains)
{
  kms::Settings out;
  out.listen.address = anywhere;
  out.limits.per_address = 0;
  out.limits.requests_per_minute = 0;
  if (!domains.empty()) out.domains = domains;
  return out;
}

std::string kms_compose(const KmsDeployment& deployment)
{
  std::string environment;
  const auto add = [&](std::string_view name, std::string_view text) {
    environment += fmt::format("      {}: {}", name, block(text));
  };
  add("DSTACK_KMS_ROOT", root_text(deployment));
  add("DSTACK_KMS_SETTINGS", kms::settings_text(deployment.settings));
  add("DSTACK_KMS_POLICY", deployment.policy);
  if (deployment.simulated) add("DSTACK_KMS_SIMULATED_TEE", sim_trust_text(*deployment.simulated));
  return fmt::format(R"(# Made by 'dstack kms deploy'.
services:
  kms:
    image: {}
    restart: always
    read_only: true
    cap_drop: [ALL]
    ulimits: {{memlock: -1}}
    security_opt: ["no-new-privileges:true"]
    stop_grace_period: 15s
    ports: ["{}:{}"]
    volumes:
      - data:{}
      - /var/run/dstack.sock:/var/run/dstack.sock
    environment:
{}volumes:
  data:
)",
                     deployment.image, deployment.settings.listen.port,
                     deployment.settings.listen.port, kms_directory_inside, environment);
}

Result<App> kms_app(KmsDeployment deployment, const sys::fs::path& layout)
{
  std::shared_ptr<ImageSource> source = TRY(layout_source(layout));
  AppImage image;
  image.parsed = TRY(oci::parse_reference(kms_image_name));
  image.resolved = TRY(source->describe(image.parsed));
  image.parsed.digest = image.resolved.digest;
  image.reference = fmt::format("{}@{}", kms_image_name, image.resolved.digest);
  deployment.image = image.reference;
  compose::BuildOptions build;
  build.name = "dstack-kms";
  build.docker_compose_file = kms_compose(deployment);
  build.key_provider = compose::KeyProvider::local; // its disk is to be there after a restart
  build.no_instance_id = true; // spec kms 9.2: what it measures must not change with the instance
  App app = TRY(app_from_bytes(TRY(compose::build_app_compose(build)), "the KMS"));
  app.images = {std::move(image)};
  app.image_source = std::move(source);
  return app;
}

} // namespace dstack::cli
