#include "agents/kms/unsealing.hpp"

#include "crypto/hash.hpp"

namespace dstack::kmsnode {

using codec::Json;

ReportData unseal_report_data(const crypto::BoxPublic& key)
{
  return crypto::sha512(concat({as_bytes("dstack-kms-unseal:"), key}));
}

Result<std::unique_ptr<Unsealing>> Unsealing::begin(const GuestAgent& agent,
                                                    const Prove& prove,
                                                    const kms::Policy& policy,
                                                    const vault::PublicRoot& root,
                                                    const vault::Custody& custody)
{
  std::unique_ptr<Unsealing> out{new Unsealing{root, custody.circle}};
  const Attested attested =
      TRY(attest_self(agent, prove, policy, unseal_report_data(out->key_.public_key())));
  out->attestation_ = attest::encode(attested.attestation);
  return out;
}

codec::Json Unsealing::document() const
{
  const std::lock_guard lock{mutex_};
  const auto names = [](const std::vector<std::string>& from) {
    Json out = Json::array();
    for (const std::string& one : from)
      out.push(one);
    return out;
  };
  return Json{}
      .set("schema", "dstack.kms.unseal/1")
      .set("cluster", hex(cluster_))
      .set("public_key", hex(key_.public_key()))
      .set("attestation", hex(attestation_))
      .set("threshold", collector_.need())
      .set("have", collector_.have())
      .set("custodians", names(circle_.custodians))
      .set("in", names(collector_.custodians_in()));
}

Result<unsigned> Unsealing::add(ByteView share_file)
{
  vault::ShareKey key;
  key.box = &key_;
  const vault::CustodianShare share = TRY(vault::read_share(share_file, key));
  const std::lock_guard lock{mutex_};
  return collector_.add(share);
}

bool Unsealing::complete() const
{
  const std::lock_guard lock{mutex_};
  return collector_.complete();
}

Result<vault::OpenRoot> Unsealing::open(const vault::Vault& vault, Time now) const
{
  const std::lock_guard lock{mutex_};
  return vault.open(collector_.shares(), now.seconds());
}

std::string Unsealing::progress() const
{
  const std::lock_guard lock{mutex_};
  std::string out = fmt::format("{} of {} shares are in", collector_.have(), collector_.need());
  if (collector_.have() > 0) out += fmt::format(" ({})", join(collector_.custodians_in(), ", "));
  return out;
}

} // namespace dstack::kmsnode
