#include "agents/gateway/fleet.hpp"

#include <algorithm>

namespace dstack::gatewaynode {

Result<std::unique_ptr<Fleet>> Fleet::create(const route::RegistrySettings& settings,
                                             State& state,
                                             sys::WorkerPool& workers,
                                             launch::Log& log,
                                             Hooks hooks)
{
  auto registry = TRY(route::Registry::create(settings));
  std::unique_ptr<Fleet> out{new Fleet{std::move(registry), state, workers, log, std::move(hooks)}};
  TRY(out->restore());
  return out;
}

Status Fleet::restore()
{
  StoredFleet stored = TRY(state_.fleet());
  for (route::RegistryEntry& entry : stored.entries) {
    const std::string id = entry.instance_id;
    set_by_admin_[id] = entry.policies.set_by_admin;
    const Status known = registry_.restore(std::move(entry));
    if (!known) log_.warning("fleet", known.error().message(), {{"instance", id}});
  }
  drained_ = std::move(stored.drained);
  peers_stale_ = true;
  return ok();
}

void Fleet::enrol(const route::Enrolment& who, Enrolled done)
{
  const route::RegistryEntry* known = registry_.find(hex(who.instance_id));
  Pending change;
  if (known != nullptr) change.before = *known;
  auto outcome = registry_.enrol(who, sys::now());
  if (!outcome) return done(outcome.error());
  peers_stale_ = peers_stale_ || outcome->peers_changed;
  change.entry = std::move(outcome->entry);
  // With nothing new no node and no disk has to know: VMs come every three minutes.
  const bool nothing_new = hooks_.share && change.before && *change.before == change.entry;
  if (nothing_new && !peers_stale_ && !busy(change.entry.instance_id))
    return done(std::move(change.entry));
  change.again = [this, who, done] { enrol(who, done); };
  change.done = std::move(done);
  waiting_.push_back(std::move(change));
  commit();
}

bool Fleet::busy(const std::string& id) const
{
  const auto is = [&](const Pending& one) { return one.entry.instance_id == id; };
  return std::any_of(waiting_.begin(), waiting_.end(), is) ||
         (current_ && std::any_of(current_->changes.begin(), current_->changes.end(), is));
}

std::int64_t Fleet::revision_of(const std::string& id) const
{
  const auto known = revisions_.find(id);
  return known == revisions_.end() ? 0 : known->second;
}

void Fleet::commit()
{
  if (current_ || (waiting_.empty() && removed_.empty() && !peers_stale_)) return;
  const auto batch = std::make_shared<Batch>();
  batch->changes = std::exchange(waiting_, {});
  batch->removed = std::exchange(removed_, {});
  batch->tell_peers = std::exchange(peers_stale_, false) && hooks_.apply_peers;
  if (batch->tell_peers) batch->peers = registry_.peers();
  for (const Pending& one : batch->changes)
    batch->revisions[one.entry.instance_id] = revision_of(one.entry.instance_id);
  current_ = batch;
  const bool taken =
      workers_.run([this, batch] { write(*batch); }, [this, batch] { committed(*batch); });
  if (taken) return;
  current_.reset();
  peers_stale_ = peers_stale_ || batch->tell_peers;
  removed_ = std::move(batch->removed);
  const auto from_here = std::stable_partition(batch->changes.begin(), batch->changes.end(),
                                               [](const Pending& one) { return one.followed; });
  std::move(batch->changes.begin(), from_here, std::back_inserter(waiting_));
  batch->changes.erase(batch->changes.begin(), from_here);
  undo(std::move(batch->changes), fail(Errc::timeout, "the gateway is busy: try again soon"));
}

/// On a worker.
void Fleet::write(Batch& batch) const
{
  if (hooks_.share) share(batch);
  std::vector<route::RegistryEntry> entries;
  for (const Pending& one : batch.changes)
    if (one.shared) entries.push_back(one.entry);
  if (!entries.empty() || !batch.removed.empty())
    batch.written = state_.save(entries, batch.removed).within("the registration was not kept");
  if (batch.written && batch.tell_peers)
    batch.told = hooks_.apply_peers(batch.peers).within("WireGuard");
}

void Fleet::committed(Batch& batch)
{
  const auto alive = std::exchange(current_, nullptr);
  ++writes_;
  if (hooks_.share) keep_revisions(batch);
  if (!batch.written) return not_written(batch);
  if (hooks_.share) undo_refused(batch);
  if (!batch.told) {
    log_.error("fleet", batch.told.error().message());
    peers_stale_ = true;
    for (Pending& one : batch.changes)
      if (one.done) one.done(batch.told.error());
    settle();
    if (!waiting_.empty()) commit();
    return;
  }
  hooks_.changed();
  for (Pending& one : batch.changes)
    if (one.done) one.done(std::move(one.entry));
  settle();
  commit();
}

void Fleet::not_written(Batch& batch)
{
  log_.error("fleet", batch.written.error().message());
  peers_stale_ = peers_stale_ || batch.tell_peers;
  std::vector<Pending> all = std::move(batch.changes);
  if (hooks_.share) { // the store has it: it is written with what comes next
    std::move(batch.removed.begin(), batch.removed.end(), std::back_inserter(removed_));
    for (Pending& one : all) {
      if (one.done) std::exchange(one.done, {})(batch.written.error());
      one.followed = true;
    }
    std::move(all.begin(), all.end(), std::back_inserter(waiting_));
    return;
  }
  // What came meanwhile was decided by what has to be undone now.
  std::move(waiting_.begin(), waiting_.end(), std::back_inserter(all));
  waiting_.clear();
  undo(std::move(all), batch.written.error());
}

void Fleet::undo(std::vector<Pending>& changes)
{
  for (auto one = changes.rbegin(); one != changes.rend(); ++one) {
    registry_.remove(one->entry.instance_id);
    if (!one->before) continue;
    const Status back = registry_.restore(*one->before);
    if (!back) log_.error("fleet", back.error().message());
  }
}

void Fleet::undo(std::vector<Pending> changes, const Error& why)
{
  undo(changes);
  for (Pending& one : changes)
    if (one.done) one.done(why);
}

Status Fleet::set_admin_policy(const std::string& instance,
                               const std::optional<route::PortPolicy>& policy)
{
  if (registry_.find(instance) == nullptr)
    return fail(Errc::not_found, "no instance {} is registered", printable(instance));
  TRY(state_.set_admin_policy(instance, policy));
  TRY(registry_.set_admin_policy(instance, policy));
  set_by_admin_[instance] = policy;
  hooks_.changed();
  return ok();
}

Status Fleet::set_drained(const std::string& instance, bool drained)
{
  if (registry_.find(instance) == nullptr)
    return fail(Errc::not_found, "no instance {} is registered", printable(instance));
  TRY(state_.set_drained(instance, drained));
  if (drained)
    drained_.insert(instance);
  else
    drained_.erase(instance);
  hooks_.changed();
  return ok();
}

void Fleet::set_fetched_policy(const std::string& instance,
                               const std::string& compose_hash,
                               const route::PortPolicy& policy)
{
  const route::RegistryEntry* known = registry_.find(instance);
  if (known == nullptr) return;
  Pending change;
  change.before = *known;
  change.again = [this, instance, compose_hash, policy] {
    set_fetched_policy(instance, compose_hash, policy);
  };
  if (!registry_.set_fetched_policy(instance, compose_hash, policy)) return;
  change.entry = *registry_.find(instance);
  waiting_.push_back(std::move(change));
  commit();
}

void Fleet::heard(const route::Registry::Handshakes& handshakes, Time now)
{
  if (hooks_.share) {
    std::vector<Sharing> gone;
    for (const std::string& id : registry_.dead(handshakes, now))
      if (!busy(id)) gone.push_back({*registry_.find(id), {}, revision_of(id)});
    if (!gone.empty()) hooks_.forget(std::move(gone));
    return commit();
  }
  // One that is being written may be the one that is forgotten.
  if (idle()) {
    std::vector<std::string> gone = registry_.remove_dead(handshakes, now);
    for (const std::string& id : gone) {
      log_.info("fleet", "forgotten: neither registered nor heard of for long", {{"instance", id}});
      drained_.erase(id);
    }
    forgotten_ += gone.size();
    peers_stale_ = peers_stale_ || !gone.empty();
    std::move(gone.begin(), gone.end(), std::back_inserter(removed_));
  }
  commit();
}

std::vector<std::string> Fleet::without_policy() const
{
  std::vector<std::string> out;
  for (const route::RegistryEntry& entry : registry_.entries())
    if (entry.policies.effective() == nullptr) out.push_back(entry.instance_id);
  return out;
}

} // namespace dstack::gatewaynode
