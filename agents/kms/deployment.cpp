#include "agents/kms/deployment.hpp"

#include "agents/kms/audit_file.hpp"
#include "agents/kms/join.hpp"
#include "keys/root_keys.hpp"
#include "kms/policy_edit.hpp"
#include "sys/clock.hpp"
#include "vault/share_directory.hpp"
#include "vault/vault.hpp"

namespace dstack::kmsnode {

using codec::Json;

namespace {

constexpr const char* simulated_directory = "simulated-tee";

Result<tee::SimTrust> simulated_from(std::string_view text)
{
  const Json json = TRY(codec::parse_json(text));
  tee::SimTrust out;
  out.root = TRY(parse_hex(TRY(json.need_string("root"))).within("root"));
  out.collateral = TRY(json.need_string("collateral"));
  return out;
}

Status put(const NodeOptions& options, const std::string& name, ByteView data)
{
  return sys::write_file_atomic(options.below(name), data, sys::Privacy::owner_only);
}

Status record_birth(const Foundation& on)
{
  const auto audit = TRY(AuditFile::open(on.options.below(on.settings.audit_file)));
  kms::AuditRecord record;
  record.event = "created";
  record.details = {{"policy", on.policy.digest}};
  return audit->append(record, sys::now());
}

Status create_root(const Foundation& on)
{
  const LaunchSettings& launch = on.options.launch;
  const auto custodians = TRY(vault::parse_custodians(launch.custodians));
  const sys::fs::path shares = on.options.below(launch.shares_directory);
  vault::Birth birth;
  birth.now = sys::now().seconds();
  birth.abandon = [&](const vault::ClusterId& cluster, const vault::Circle& circle) {
    return vault::remove_share_files(shares, cluster, circle);
  };
  birth.attest = [&](const vault::PublicRoot& root) {
    return on.agent.attest(keys::bootstrap_report_data(root.ca_spki, root.k256));
  };
  birth.before_commit = [&](const vault::Newborn& born) -> Status {
    TRY(vault::write_share_files(shares, born.shares, vault::locks_of(custodians), {}));
    return record_birth(on);
  };
  const vault::WithCustodians guard{vault::names_of(custodians),
                                    static_cast<unsigned>(launch.threshold)};
  static_cast<void>(TRY(vault::Vault{on.options.directory}.create(vault::Guard{guard}, birth)));
  return ok();
}

} // namespace

Result<std::optional<Deployment>>
read_deployment(const std::function<std::string(const char*)>& environment)
{
  Deployment out;
  out.settings = environment("DSTACK_KMS_SETTINGS");
  if (out.settings.empty()) return std::optional<Deployment>{};
  out.policy = environment("DSTACK_KMS_POLICY");
  const Json root =
      TRY(codec::parse_json(environment("DSTACK_KMS_ROOT")).within("DSTACK_KMS_ROOT"));
  out.custodians = TRY(root.get_strings("custodians").within("DSTACK_KMS_ROOT"));
  out.threshold = TRY(root.get_u64("threshold", 0).within("DSTACK_KMS_ROOT"));
  out.join = TRY(root.get_string("join", "").within("DSTACK_KMS_ROOT"));
  for (const auto& one : TRY(vault::parse_custodians(out.custodians).within("DSTACK_KMS_ROOT")))
    if (!one.key)
      return fail(Errc::config,
                  "DSTACK_KMS_ROOT: custodian '{}' has no key that the share can be sealed to",
                  one.name);
  if (out.threshold == 0 || out.threshold > out.custodians.size())
    return fail(Errc::config, "DSTACK_KMS_ROOT: threshold {} of {} custodians", out.threshold,
                out.custodians.size());
  const std::string simulated = environment("DSTACK_KMS_SIMULATED_TEE");
  if (!simulated.empty())
    out.simulated = TRY(simulated_from(simulated).within("DSTACK_KMS_SIMULATED_TEE"));
  return std::optional<Deployment>{std::move(out)};
}

Status put_in_place(const Deployment& deployment, NodeOptions& options)
{
  const auto settings = TRY(kms::settings_from_toml(deployment.settings, "DSTACK_KMS_SETTINGS"));
  const auto agent = TRY(GuestAgent::at(
      TRY(guestclient::agent_address(settings.agent, options.environment, without_agent))));
  kms::KmsRules self;
  self.mr_aggregated.values = {TRY(agent.mr_aggregated().within("our own measurement"))};
  const kms::Edited policy = TRY(kms::add_kms(deployment.policy, self, "DSTACK_KMS_POLICY"));
  TRY(put(options, "kms.toml", as_bytes(deployment.settings)));
  TRY(put(options, settings.policy_file, as_bytes(policy.text)));
  if (deployment.simulated) {
    const std::string directory = simulated_directory;
    TRY(sys::make_directories(options.below(directory), sys::Privacy::owner_only));
    TRY(put(options, directory + "/root.der", deployment.simulated->root));
    TRY(put(options, directory + "/collateral.json", as_bytes(deployment.simulated->collateral)));
    options.launch.simulated_tee = directory;
  }
  options.launch.custodians = deployment.custodians;
  options.launch.threshold = deployment.threshold;
  options.launch.shares_directory = shares_directory;
  return ok();
}

Status ensure_root(Foundation& on, const std::string& join_url)
{
  if (vault::Vault{on.options.directory}.exists()) return ok();
  return join_url.empty() ? create_root(on) : join(on, join_url, "");
}

} // namespace dstack::kmsnode
