/// Who gets a certificate: one node at a time, as long as the store's majority says so.

#include "agents/gateway/cluster.hpp"

namespace dstack::gatewaynode {

namespace {

using etcd::Condition;

constexpr std::chrono::milliseconds until_answered{5'000}; ///< by all nodes that are up
constexpr int tries = 3; ///< to keep what an authority has made: it costs to have it made again

} // namespace

/// Under the node's lease: it is over when the node is cut off, dead or gone.
class ClusterTurn : public certs::Turn {
public:
  ClusterTurn(Cluster& of, const std::string& domain, const std::string& target,
              std::int64_t revision)
      : cluster_(of), lock_(of.key(cluster::Kind::lock, domain)),
        challenge_(of.key(cluster::Kind::challenge, of.node_name() + " " + domain)),
        target_(target), revision_(revision)
  {
  }

  Status take() override
  {
    TRY(cluster_.not_now());
    const SecretBytes mine = cluster::write(cluster::Standing{cluster_.node_, true});
    const etcd::Put put = TRY(cluster_.sealed(lock_, mine, cluster_.lease_));
    etcd::Transaction what;
    what.conditions = {
        {Condition::Of::created, lock_, 0},
        {Condition::Of::changed, target_, revision_},
        {Condition::Of::changed, cluster_.key(cluster::Kind::alive, cluster_.node_name()),
         cluster_.alive_}};
    what.operations = {put};
    const etcd::Outcome outcome = TRY(cluster_.client_.commit(what).within("the nodes' store"));
    if (outcome.done) taken_ = outcome.revision;
    bool held = false;
    for (const etcd::KeyValue& one : outcome.there) {
      if (one.key != lock_) continue;
      held = true;
      if (one.value == put.value) taken_ = one.created; // it was done, and the answer lost
    }
    if (taken_ != 0) return ok();
    return fail(Errc::denied, "another node {}", held ? "is at it now" : "has just done it");
  }

  Status holds() override
  {
    TRY(cluster_.not_now());
    etcd::Transaction what;
    what.conditions = {{Condition::Of::created, lock_, taken_}};
    if (TRY(cluster_.client_.commit(what).within("the nodes' store")).done) return ok();
    return lost();
  }

  Status answer(const certs::Challenges& all) override
  {
    cluster::Challenges record;
    record.node = cluster_.node_;
    for (const certs::AlpnChallenge& one : all.alpn)
      record.alpn.push_back({one.name, one.certificate_pem, one.key_pem});
    for (const certs::HttpChallenge& one : all.http)
      record.http.push_back({one.host, one.path, one.body});
    etcd::Transaction what;
    what.conditions = {{Condition::Of::created, lock_, taken_}};
    what.operations = {TRY(cluster_.sealed(challenge_, cluster::write(record), cluster_.lease_))};
    const etcd::Outcome outcome = TRY(cluster_.client_.commit(what).within("the nodes' store"));
    if (!outcome.done) return lost();
    std::unique_lock lock{cluster_.mutex_};
    // One that does not hear of it in time may be on its way out: the authority may ask another.
    cluster_.moved_.wait_for(lock, until_answered,
                             [&] { return cluster_.all_answer(outcome.revision); });
    return ok();
  }

  Status keep(const certs::Certificate& certificate) override
  {
    return keep(cluster::write(cluster::Certificate{certificate.domain, certificate.chain_pem,
                                                    certificate.key_pem, sys::now(),
                                                    cluster_.node_}));
  }

  Status keep(const certs::Account& account) override
  {
    return keep(cluster::write(
        cluster::Account{account.directory_url, account.url, account.key_der}));
  }

  void leave() override
  {
    if (taken_ == 0) return;
    etcd::Transaction what;
    what.conditions = {{Condition::Of::created, lock_, taken_}};
    what.operations = {etcd::Delete{challenge_}, etcd::Delete{lock_}};
    // Where it fails the lease ends it.
    static_cast<void>(cluster_.client_.commit(what));
  }

private:
  static Error lost()
  {
    return fail(Errc::denied, "this node lost its turn: it was cut off from the nodes' store");
  }

  Status keep(const SecretBytes& plain)
  {
    const etcd::Put put = TRY(cluster_.sealed(target_, plain, 0));
    etcd::Transaction what;
    what.conditions = {{Condition::Of::created, lock_, taken_},
                       {Condition::Of::changed, target_, revision_}};
    what.operations = {put};
    Error why = fail(Errc::internal, "not tried");
    for (int i = 0; i < tries; ++i) {
      const auto outcome = cluster_.client_.commit(what).within("the nodes' store");
      if (!outcome) {
        why = outcome.error();
        continue;
      }
      if (outcome->done) return ok();
      for (const etcd::KeyValue& one : outcome->there)
        if (one.key == target_ && one.value == put.value) return ok();
      return lost();
    }
    return why;
  }

  Cluster& cluster_;
  std::string lock_;
  std::string challenge_;
  std::string target_;
  std::int64_t revision_;
  std::atomic<std::int64_t> taken_ = 0; ///< at which revision; 0: not
};

std::shared_ptr<certs::Turn> Cluster::turn(const std::string& domain,
                                           const std::string& directory_url)
{
  const std::string target =
      domain.empty() ? key(Kind::account, directory_url) : key(Kind::certificate, domain);
  return std::make_shared<ClusterTurn>(*this, domain.empty() ? directory_url : domain, target,
                                       revision_of(target));
}

bool Cluster::all_answer(std::int64_t revision)
{
  for (const auto& [id, state] : nodes_)
    if (id != node_ && state.up && state.seen < revision) return false;
  return true;
}

} // namespace dstack::gatewaynode
