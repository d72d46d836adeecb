#include "agents/kms/join.hpp"

#include "agents/kms/audit_file.hpp"
#include "agents/kms/onboarding.hpp"
#include "sys/clock.hpp"
#include "vault/share_directory.hpp"

namespace dstack::kmsnode {

namespace {

Result<vault::Guard> guard_of(const Foundation& on)
{
  const LaunchSettings& launch = on.options.launch;
  if (!launch.custodians.empty()) {
    if (launch.threshold > launch.custodians.size())
      return fail(Errc::config, "threshold {} of {} custodians", launch.threshold,
                  launch.custodians.size());
    if (launch.shares_directory.empty())
      return fail(Errc::config, "custodians need a directory for their shares");
    const auto custodians = TRY(vault::parse_custodians(launch.custodians));
    return vault::Guard{vault::WithCustodians{vault::names_of(custodians),
                                              static_cast<unsigned>(launch.threshold)}};
  }
  SecretBytes passphrase = TRY(read_passphrase(on));
  if (passphrase.empty())
    return fail(Errc::config, "what keeps the root at rest? give a passphrase file or custodians");
  return vault::Guard{vault::WithPassphrase{std::move(passphrase)}};
}

Status write_down(const Foundation& on, const std::string& url, const kms::BootInfo& source)
{
  const auto audit = TRY(AuditFile::open(on.options.below(on.settings.audit_file)));
  kms::AuditRecord record;
  record.event = "joined";
  record.peer = url;
  record.role = kms::Role::kms;
  record.caller = source;
  record.allowed = true;
  record.details = {{"policy", on.policy.digest}};
  return audit->append(record, sys::now());
}

} // namespace

Status join(Foundation& on, const std::string& url, const std::string& crash_at)
{
  vault::FailPoints points;
  if (!crash_at.empty()) points = vault::crash_at(crash_at);
  const vault::Vault vault{on.options.directory, points};
  if (vault.exists()) return fail(Errc::denied, "KMS has already been onboarded");
  const vault::Guard guard = TRY(guard_of(on));
  kmsapi::Metrics metrics;
  Judge judge{metrics};
  const Prove prove = [&](const attest::Evidence& evidence, const verify::BoundData& data,
                          const kms::Policy& policy) {
    return on.prover->prove(evidence, data, kms::evidence_policy(policy), sys::now());
  };
  const auto decide = [&](const kms::Policy& policy, kms::Role role, const kms::BootInfo& info) {
    return judge.decide(policy, role, info);
  };
  const std::string vm_config = TRY(on.agent.vm_config());
  const PeerNeeds needs{on.agent, prove, decide, *on.policy.policy, vm_config, sys::now()};
  auto peer = TRY(PeerLink::open(TRY(kmsclient::parse_url(url)), needs));
  vault::reach(points, "join.judged");
  vault::RootMaterial material = TRY(fetch_root(peer, vm_config));
  vault::reach(points, "join.received");
  vault::Birth birth;
  birth.now = sys::now().seconds();
  const sys::fs::path shares = on.options.below(on.options.launch.shares_directory);
  birth.abandon = [&](const vault::ClusterId& cluster, const vault::Circle& circle) -> Status {
    if (on.options.launch.shares_directory.empty()) return ok();
    return vault::remove_share_files(shares, cluster, circle);
  };
  birth.before_commit = [&](const vault::Newborn& born) -> Status {
    const auto custodians = TRY(vault::parse_custodians(on.options.launch.custodians));
    if (!born.shares.empty())
      TRY(vault::write_share_files(shares, born.shares, vault::locks_of(custodians), points));
    return write_down(on, url, peer.who());
  };
  static_cast<void>(TRY(vault.adopt(std::move(material), guard, birth)));
  return ok();
}

} // namespace dstack::kmsnode
