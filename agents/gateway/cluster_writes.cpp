/// What this node writes into the store: always if nobody else has written there meanwhile.

#include "agents/gateway/cluster.hpp"

#include <algorithm>

namespace dstack::gatewaynode {

namespace {

using etcd::Condition;

/// A transaction that went unanswered may have been done: then the store holds what it put.
bool is_done(const etcd::Transaction& what, const std::vector<etcd::KeyValue>& there)
{
  bool any = false;
  for (const auto& operation : what.operations) {
    const auto* put = std::get_if<etcd::Put>(&operation);
    if (put == nullptr) continue;
    any = true;
    const bool same = std::any_of(there.begin(), there.end(), [&](const etcd::KeyValue& one) {
      return one.key == put->key && one.value == put->value;
    });
    if (!same) return false;
  }
  return any;
}

/// At which a key was changed last; 0: it is not there.
std::int64_t revision_in(const std::vector<etcd::KeyValue>& there, const std::string& key)
{
  const auto found = std::find_if(there.begin(), there.end(),
                                  [&](const etcd::KeyValue& one) { return one.key == key; });
  return found == there.end() ? 0 : found->changed;
}

} // namespace

Result<std::int64_t> Cluster::share(const Sharing& what)
{
  TRY(not_now());
  const route::RegistryEntry& entry = what.entry;
  const std::string record = key(Kind::instance, entry.instance_id);
  const std::string address = key(Kind::address, entry.address.text());
  const std::string wg_key = key(Kind::key, hex(entry.public_key));
  const SecretBytes owner{as_bytes(entry.instance_id)};
  etcd::Transaction txn;
  // One that was here before there was a store claims its address and its key like a new one.
  const bool claimed = what.before && what.revision != 0;
  const std::int64_t known = claimed ? what.revision : 0;
  txn.conditions.push_back({Condition::Of::changed, record, known});
  txn.operations.emplace_back(TRY(sealed(record, cluster::write(entry), 0)));
  if (!claimed) {
    txn.conditions.push_back({Condition::Of::created, address, 0});
    txn.operations.emplace_back(TRY(sealed(address, owner, 0)));
  }
  if (!claimed || what.before->public_key != entry.public_key) {
    txn.conditions.push_back({Condition::Of::created, wg_key, 0});
    txn.operations.emplace_back(TRY(sealed(wg_key, owner, 0)));
    if (claimed)
      txn.operations.emplace_back(etcd::Delete{key(Kind::key, hex(what.before->public_key))});
  }
  const etcd::Outcome outcome = TRY(client_.commit(txn).within("the nodes' store"));
  if (outcome.done) return outcome.revision;
  if (is_done(txn, outcome.there)) return outcome.there.front().changed;
  if (revision_in(outcome.there, record) != known)
    return fail(Errc::denied, "instance {} was changed at another gateway just now: try again",
                entry.instance_id);
  if (revision_in(outcome.there, wg_key) != 0 && txn.conditions.back().key == wg_key)
    return fail(Errc::denied, "the WireGuard key is another instance's");
  return fail(Errc::denied, "address {} is another node's or VM's", entry.address.text());
}

/// Whoever hears of one meanwhile writes it into its own record, and the condition fails.
void Cluster::forget(const std::vector<Sharing>& gone)
{
  if (!healthy_) return;
  std::vector<Condition> unheard;
  {
    const std::lock_guard lock{mutex_};
    for (const auto& [name, held] : held_)
      if (held.kind == Kind::heard) unheard.push_back({Condition::Of::changed, name, held.revision});
  }
  const std::string own = key(Kind::heard, node_name());
  std::erase_if(unheard, [&](const Condition& one) { return one.key == own; });
  for (const Sharing& one : gone) {
    const std::string& id = one.entry.instance_id;
    etcd::Transaction what;
    what.tells = false; // those records are long
    what.conditions = unheard;
    what.conditions.push_back({Condition::Of::changed, key(Kind::instance, id), one.revision});
    what.operations = {etcd::Delete{key(Kind::instance, id)}, etcd::Delete{key(Kind::operated, id)},
                       etcd::Delete{key(Kind::key, hex(one.entry.public_key))},
                       etcd::Delete{key(Kind::address, one.entry.address.text())}};
    commit(std::move(what), [this, id](const Result<etcd::Outcome>& outcome) {
      if (!outcome) return log_.error("cluster", outcome.error().message());
      if (outcome->done)
        log_.info("cluster", "no node has heard of it for long", {{"instance", id}});
    });
  }
}

void Cluster::put(Kind kind, const std::string& name, SecretBytes plain, Done done)
{
  if (const Status now = not_now(); !now) return done(now);
  const std::string at = key(kind, name);
  auto put = sealed(at, plain, 0);
  if (!put) return done(put.error());
  etcd::Transaction what;
  what.conditions = {{Condition::Of::changed, at, revision_of(at)}};
  what.operations = {*put};
  commit(what, [this, what, put = *put, done](const Result<etcd::Outcome>& outcome) {
    if (!outcome) return done(outcome.error());
    if (!outcome->done && !is_done(what, outcome->there))
      return done(fail(Errc::denied, "another node has changed it just now: try again"));
    etcd::Event event{false, {put.key, put.value, 0, outcome->revision, 0}};
    if (!outcome->done) event.item.changed = outcome->there.front().changed;
    apply(event);
    done(ok());
  });
}

void Cluster::erase(Kind kind, const std::string& name, Done done)
{
  if (const Status now = not_now(); !now) return done(now);
  const std::string at = key(kind, name);
  etcd::Transaction what;
  what.conditions = {{Condition::Of::changed, at, revision_of(at)}};
  what.operations = {etcd::Delete{at}};
  commit(what, [this, at, done](const Result<etcd::Outcome>& outcome) {
    if (!outcome) return done(outcome.error());
    if (!outcome->done && revision_in(outcome->there, at) != 0)
      return done(fail(Errc::denied, "another node has changed it just now: try again"));
    apply({true, {at, {}, 0, outcome->revision, 0}});
    done(ok());
  });
}

void Cluster::offer(Kind kind, const std::string& name, SecretBytes plain)
{
  const std::string at = key(kind, name);
  if (revision_ == 0 || revision_of(at) != 0) return;
  auto put = sealed(at, plain, 0);
  if (!put) return log_.error("cluster", "not shared: " + put.error().message());
  etcd::Transaction what;
  what.conditions = {{Condition::Of::created, at, 0}};
  what.operations = {*std::move(put)};
  commit(std::move(what), [this](const Result<etcd::Outcome>& outcome) {
    if (!outcome) log_.warning("cluster", "not shared yet: " + outcome.error().message());
  });
}

} // namespace dstack::gatewaynode
