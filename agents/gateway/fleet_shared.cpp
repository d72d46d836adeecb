/// What a fleet does because there are other nodes: the store's word counts.

#include "agents/gateway/fleet.hpp"

#include <algorithm>

namespace dstack::gatewaynode {

/// On a worker. What was decided upon a change that the store refuses falls with it.
void Fleet::share(Batch& batch) const
{
  std::map<std::string, Error> refused;
  for (Pending& one : batch.changes) {
    const std::string& id = one.entry.instance_id;
    if (one.followed || (one.before && *one.before == one.entry)) continue;
    if (const auto fell = refused.find(id); fell != refused.end()) {
      one.shared = fell->second;
      continue;
    }
    const auto revision = hooks_.share({one.entry, one.before, batch.revisions.at(id)});
    if (revision) {
      batch.revisions.at(id) = *revision;
    } else {
      one.shared = revision.error();
      refused.emplace(id, revision.error());
    }
  }
  for (auto one = batch.changes.rbegin(); one != batch.changes.rend(); ++one)
    if (!one->shared) take_back(batch.peers, *one);
}

/// WireGuard is told what holds without that change.
void Fleet::take_back(std::vector<route::WgPeer>& peers, const Pending& change)
{
  const auto peer = std::find_if(peers.begin(), peers.end(), [&](const route::WgPeer& one) {
    return one.public_key == change.entry.public_key;
  });
  if (peer == peers.end()) return;
  if (!change.before) {
    peers.erase(peer);
    return;
  }
  peer->public_key = change.before->public_key;
  peer->allowed = {route::Network{change.before->address, change.before->address.bits()}};
}

void Fleet::keep_revisions(const Batch& batch)
{
  for (const Pending& one : batch.changes) {
    if (one.followed || !one.shared) continue;
    std::int64_t& known = revisions_[one.entry.instance_id];
    known = std::max(known, batch.revisions.at(one.entry.instance_id));
  }
}

/// What came meanwhile is decided anew: it may have been decided by what is undone now.
void Fleet::undo_refused(Batch& batch)
{
  const auto good = [](const Pending& one) { return bool{one.shared}; };
  const auto bad = std::stable_partition(batch.changes.begin(), batch.changes.end(), good);
  if (bad == batch.changes.end()) return;
  std::vector<Pending> refused{std::make_move_iterator(bad),
                               std::make_move_iterator(batch.changes.end())};
  batch.changes.erase(bad, batch.changes.end());
  const auto decided = std::stable_partition(waiting_.begin(), waiting_.end(),
                                             [](const Pending& one) { return one.followed; });
  std::vector<Pending> meanwhile{std::make_move_iterator(decided),
                                 std::make_move_iterator(waiting_.end())};
  waiting_.erase(decided, waiting_.end());
  undo(meanwhile);
  // One that was there before there was a store, and that the store could not be told of, stays.
  std::erase_if(refused, [](const Pending& one) {
    const bool away = one.shared.error().code() == Errc::io ||
                      one.shared.error().code() == Errc::timeout;
    return !one.before && !one.done && away;
  });
  undo(refused);
  peers_stale_ = true;
  for (Pending& one : refused) {
    log_.warning("fleet", one.shared.error().message(), {{"instance", one.entry.instance_id}});
    if (!one.before) removed_.push_back(one.entry.instance_id);
    if (one.done) one.done(one.shared.error());
  }
  for (const Pending& one : meanwhile)
    if (one.again) one.again();
}

void Fleet::follow(const std::string& instance,
                   std::optional<route::RegistryEntry> entry,
                   std::int64_t revision)
{
  Followed& next = incoming_[instance];
  if (revision >= next.revision) next = {std::move(entry), revision, false};
  settle();
  commit();
}

/// In whatever order they are free to be followed: an instance may have the key that another gave
/// up.
void Fleet::settle()
{
  for (bool moved = true; moved && !incoming_.empty();) {
    moved = false;
    for (auto one = incoming_.begin(); one != incoming_.end();) {
      const bool done = !busy(one->first) && settle_one(one->first, one->second);
      moved = moved || done;
      one = done ? incoming_.erase(one) : std::next(one);
    }
  }
  if (!idle()) return;
  for (auto& [id, what] : incoming_)
    if (!std::exchange(what.told, true))
      log_.error("fleet", "the store's record contradicts others and is passed over",
                 {{"instance", id}});
}

bool Fleet::settle_one(const std::string& id, const Followed& what)
{
  if (what.revision <= revision_of(id)) return true;
  if (!what.entry) {
    if (registry_.find(id) != nullptr) forget_locally(id);
    revisions_[id] = what.revision;
    return true;
  }
  if (const Status done = replace(id, *what.entry); !done) return false;
  revisions_[id] = what.revision;
  return true;
}

Status Fleet::replace(const std::string& id, const route::RegistryEntry& entry)
{
  route::RegistryEntry next = entry;
  const auto set = set_by_admin_.find(id);
  if (set != set_by_admin_.end()) next.policies.set_by_admin = set->second;
  const route::RegistryEntry* known = registry_.find(id);
  std::optional<route::RegistryEntry> before;
  if (known != nullptr) before = *known;
  if (before && *before == next) return ok();
  if (before) registry_.remove(id);
  if (const Status put = registry_.restore(next); !put) {
    if (before)
      if (const Status back = registry_.restore(*before); !back)
        log_.error("fleet", back.error().message(), {{"instance", id}});
    return put;
  }
  peers_stale_ = peers_stale_ || !before || before->public_key != next.public_key ||
                 before->address != next.address;
  Pending change;
  change.entry = std::move(next);
  change.before = std::move(before);
  change.followed = true;
  waiting_.push_back(std::move(change));
  return ok();
}

void Fleet::forget_locally(const std::string& id)
{
  log_.info("fleet", "forgotten: the nodes' store has it no more", {{"instance", id}});
  registry_.remove(id);
  removed_.push_back(id);
  drained_.erase(id);
  set_by_admin_.erase(id);
  peers_stale_ = true;
  ++forgotten_;
}

Status Fleet::follow(const cluster::Operated& what)
{
  TRY(state_.set_admin_policy(what.instance, what.policy));
  TRY(state_.set_drained(what.instance, what.drained));
  set_by_admin_[what.instance] = what.policy;
  if (what.drained)
    drained_.insert(what.instance);
  else
    drained_.erase(what.instance);
  if (registry_.find(what.instance) == nullptr) return ok();
  TRY(registry_.set_admin_policy(what.instance, what.policy));
  hooks_.changed();
  return ok();
}

cluster::Operated Fleet::operated(const std::string& instance) const
{
  cluster::Operated out;
  out.instance = instance;
  const auto set = set_by_admin_.find(instance);
  if (set != set_by_admin_.end()) out.policy = set->second;
  out.drained = drained_.contains(instance);
  return out;
}

void Fleet::followed_all(const std::set<std::string>& instances,
                         std::int64_t revision,
                         Unknown others)
{
  for (const route::RegistryEntry& entry : registry_.entries()) {
    const std::string& id = entry.instance_id;
    if (instances.contains(id) || busy(id) || revision_of(id) > revision) continue;
    if (others == Unknown::drop || revision_of(id) != 0) {
      incoming_[id] = {std::nullopt, revision, false};
      continue;
    }
    Pending change;
    change.entry = entry;
    waiting_.push_back(std::move(change));
  }
  settle();
  commit();
}

bool Fleet::all_shared() const
{
  const auto all = registry_.entries();
  return std::all_of(all.begin(), all.end(), [this](const route::RegistryEntry& one) {
    return revision_of(one.instance_id) != 0;
  });
}

} // namespace dstack::gatewaynode
