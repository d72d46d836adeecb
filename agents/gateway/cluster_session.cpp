/// Signs of life: a lease that etcd's majority keeps, and what is written under it.

#include "agents/gateway/cluster.hpp"

#include "crypto/random.hpp"

#include <algorithm>

namespace dstack::gatewaynode {

namespace {

using etcd::Condition;

constexpr std::size_t id_size = 16;

const etcd::KeyValue* find(const std::vector<etcd::KeyValue>& all, const std::string& key)
{
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.key == key; });
  return found == all.end() ? nullptr : &*found;
}

std::int64_t changed(const etcd::KeyValue* one)
{
  return one == nullptr ? 0 : one->changed;
}

/// What keys hold now, by the majority.
Result<etcd::Outcome> read(etcd::Client& client, const std::vector<std::string>& keys)
{
  etcd::Transaction what;
  for (const std::string& key : keys)
    what.conditions.push_back({Condition::Of::changed, key, 0});
  return client.commit(what);
}

} // namespace

void Cluster::beat()
{
  using Answer = Result<Session>;
  const auto answer = std::make_shared<Answer>(fail(Errc::internal, "not asked"));
  const bool taken = pool_->run(
      [this, answer, session = session_, next = next_sign()] { *answer = sign(session, next); },
      [this, answer, told = revision_] { beaten(*answer, told); });
  if (!taken) beaten(fail(Errc::timeout, "too much else is to be done"), 0);
}

Cluster::Sign Cluster::next_sign() const
{
  Sign out;
  out.self = hooks_.self();
  if (heard_written_ms_ == 0 || sys::monotonic_ms() - heard_written_ms_ >= heard_every_ms_)
    out.heard = hooks_.heard();
  return out;
}

/// told: up to where we had been told when it was begun. What the majority says later cannot be
/// from before that.
void Cluster::beaten(const Result<Session>& session, std::int64_t told)
{
  const auto third = lease_time_ / 3;
  beat_timer_ = loop_.after(session ? third : std::min(third, again_soon), [this] { beat(); });
  if (!session) {
    // What a lease we may have lost protects is no longer ours to do.
    return set_healthy(false, session.error().message());
  }
  session_ = *session;
  lease_ = session_.lease;
  alive_ = session_.alive;
  if (session_.wrote_heard) heard_written_ms_ = sys::monotonic_ms();
  if (!id_.empty() && id_ != session_.id)
    log_.error("cluster", "the store is another one now: what it says counts from here on");
  const bool went_back = session_.revision < told || (!id_.empty() && id_ != session_.id);
  id_ = session_.id;
  if (went_back) {
    log_.error("cluster", "the store went back to an earlier time: all of it is read again");
    hooks_.store_went_back();
    {
      const std::lock_guard lock{mutex_};
      held_.clear();
    }
    revision_ = 0;
  }
  if (revision_ != 0) set_healthy(true, "");
}

/// On a worker.
Result<Cluster::Session> Cluster::sign(Session session, const Sign& sign)
{
  bool there = false;
  if (session.lease != 0) {
    const auto lease = client_.keep_alive(session.lease);
    if (!lease && lease.error().code() != Errc::not_found) return lease.error();
    there = lease && lease->seconds > 0 && TRY(is_there(session, sign.self));
  }
  if (!there) session = TRY(join(sign));
  session.wrote_heard = false;
  if (sign.heard) {
    TRY(write_heard(*sign.heard));
    session.wrote_heard = true;
  }
  return session;
}

/// Whether the majority has our sign of life, and us as we are. A member that is cut off cannot
/// answer this: it is a linearizable read.
Result<bool> Cluster::is_there(Session& session, const cluster::Node& self)
{
  const std::string name = key(Kind::node, node_name());
  const std::string sign = key(Kind::alive, node_name());
  const etcd::Outcome now = TRY(read(client_, {name, sign}));
  session.revision = now.revision;
  const etcd::KeyValue* node = find(now.there, name);
  const etcd::KeyValue* alive = find(now.there, sign);
  if (node == nullptr || alive == nullptr || alive->changed != session.alive) return false;
  const auto plain = seal_.open(name, node->value);
  if (!plain) return false;
  const auto known = cluster::read_node(plain->view());
  return known && *known == self;
}

Status Cluster::write_heard(const cluster::Heard& heard)
{
  const std::string name = key(Kind::heard, node_name());
  etcd::Transaction what;
  what.operations = {TRY(sealed(name, cluster::write(heard), 0))};
  static_cast<void>(TRY(client_.commit(what)));
  return ok();
}

/// Which cluster this is, made by whoever comes first.
Result<std::string> Cluster::cluster_id()
{
  const std::string name = key(Kind::cluster, "");
  etcd::Transaction what;
  what.conditions = {{Condition::Of::created, name, 0}};
  const std::string made = crypto::random_hex(id_size);
  what.operations = {TRY(sealed(name, SecretBytes{as_bytes(made)}, 0))};
  const etcd::Outcome made_or_there = TRY(client_.commit(what));
  if (made_or_there.done) return made;
  const etcd::KeyValue* there = find(made_or_there.there, name);
  if (there == nullptr) return fail(Errc::io, "the store has no name for this cluster");
  const auto plain = seal_.open(name, there->value);
  if (plain) return to_text(plain->view());
  return fail(Errc::config,
              "what is below {} in the store is another gateway's, or of another app "
              "id: {}",
              seal_.prefix(), plain.error().message());
}

/// Takes our number, unless a node that lives has it; a dead one's can be taken over by whoever
/// replaces it.
Result<Cluster::Session> Cluster::join(const Sign& sign)
{
  Session out;
  out.id = TRY(cluster_id());
  const std::string node = key(Kind::node, node_name());
  const std::string alive = key(Kind::alive, node_name());
  const std::string address =
      key(Kind::address, sign.self.wg_ip.substr(0, sign.self.wg_ip.find('/')));
  const etcd::Outcome before = TRY(read(client_, {node, alive, address}));
  const etcd::KeyValue* there = find(before.there, node);
  if (there != nullptr) {
    const auto plain = seal_.open(node, there->value);
    const auto known =
        plain ? cluster::read_node(plain->view()) : Result<cluster::Node>{plain.error()};
    const bool ours = known && known->uuid == sign.self.uuid;
    if (!ours && find(before.there, alive) != nullptr)
      return fail(Errc::denied,
                  "node {} of this cluster is another machine, and alive: give this "
                  "one a number of its own ([cluster] node)",
                  node_);
  }
  const std::string owner = "node " + node_name();
  if (const etcd::KeyValue* taken = find(before.there, address)) {
    const auto plain = seal_.open(address, taken->value);
    if (plain && as_text(plain->view()) != owner)
      return fail(Errc::denied,
                  "{} is another node's or VM's: give this node an address of its own "
                  "([wireguard] address)",
                  sign.self.wg_ip);
  }
  out.lease = TRY(client_.grant(std::max<std::int64_t>(lease_time_.count() / second_ms, 1))).id;
  etcd::Transaction what;
  what.conditions = {{Condition::Of::changed, node, changed(there)},
                     {Condition::Of::changed, alive, changed(find(before.there, alive))}};
  const SecretBytes living = cluster::write(cluster::Standing{node_, true});
  what.operations = {TRY(sealed(node, cluster::write(sign.self), 0)),
                     TRY(sealed(alive, living, out.lease))};
  if (!sign.self.wg_ip.empty())
    what.operations.emplace_back(TRY(sealed(address, SecretBytes{as_bytes(owner)}, 0)));
  const etcd::Outcome joined = TRY(client_.commit(what));
  if (!joined.done) return fail(Errc::io, "node {} was written by another just now", node_);
  out.alive = out.revision = joined.revision;
  return out;
}

} // namespace dstack::gatewaynode
