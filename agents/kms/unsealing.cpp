#include "agents/kms/unsealing.hpp"

#include <algorithm>

namespace dstack::kmsnode {

Result<std::unique_ptr<Unsealing>> Unsealing::begin(const GuestAgent& agent,
                                                    const Prove& prove,
                                                    const kms::Policy& policy,
                                                    const vault::PublicRoot& root,
                                                    const vault::Custody& custody)
{
  std::unique_ptr<Unsealing> out{new Unsealing{root, custody.circle}};
  const Attested attested =
      TRY(attest_self(agent, prove, policy, kmsapi::unseal_report_data(out->key_.public_key())));
  out->attestation_ = attest::encode(attested.attestation);
  return out;
}

kmsapi::UnsealDocument Unsealing::document() const
{
  const std::lock_guard lock{mutex_};
  return {cluster_,
          key_.public_key(),
          attestation_,
          collector_.need(),
          collector_.have(),
          circle_.custodians,
          collector_.custodians_in()};
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
  if (collector_.have() > 0)
    out += fmt::format(" ({})", dstack::join(collector_.custodians_in(), ", "));
  return out;
}

std::vector<kms::CustodianPeer> peers_to_ask(const std::vector<kms::CustodianPeer>& peers,
                                             const std::vector<std::string>& in,
                                             const std::set<std::string>& being_asked)
{
  std::vector<kms::CustodianPeer> out;
  std::copy_if(peers.begin(), peers.end(), std::back_inserter(out),
               [&](const kms::CustodianPeer& peer) {
                 return being_asked.count(peer.url) == 0 &&
                        std::find(in.begin(), in.end(), peer.name) == in.end();
               });
  return out;
}

} // namespace dstack::kmsnode
