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
  change.done = std::move(done);
  waiting_.push_back(std::move(change));
  commit();
}

void Fleet::commit()
{
  if (committing_ || (waiting_.empty() && removed_.empty() && !peers_stale_)) return;
  const auto batch = std::make_shared<Batch>();
  batch->changes = std::exchange(waiting_, {});
  batch->removed = std::exchange(removed_, {});
  batch->tell_peers = std::exchange(peers_stale_, false) && hooks_.apply_peers;
  if (batch->tell_peers) batch->peers = registry_.peers();
  committing_ = true;
  const bool taken =
      workers_.run([this, batch] { write(*batch); }, [this, batch] { committed(*batch); });
  if (taken) return;
  committing_ = false;
  peers_stale_ = peers_stale_ || batch->tell_peers;
  removed_ = std::move(batch->removed);
  undo(std::move(batch->changes), fail(Errc::timeout, "the gateway is busy: try again soon"));
}

/// On a worker.
void Fleet::write(Batch& batch) const
{
  std::vector<route::RegistryEntry> entries;
  for (const Pending& one : batch.changes)
    entries.push_back(one.entry);
  if (!entries.empty() || !batch.removed.empty())
    batch.written = state_.save(entries, batch.removed).within("the registration was not kept");
  if (batch.written && batch.tell_peers)
    batch.told = hooks_.apply_peers(batch.peers).within("WireGuard");
}

void Fleet::committed(Batch& batch)
{
  committing_ = false;
  ++writes_;
  if (!batch.written) {
    log_.error("fleet", batch.written.error().message());
    // What came meanwhile was decided by what has to be undone now.
    std::vector<Pending> all = std::move(batch.changes);
    std::move(waiting_.begin(), waiting_.end(), std::back_inserter(all));
    waiting_.clear();
    peers_stale_ = peers_stale_ || batch.tell_peers;
    return undo(std::move(all), batch.written.error());
  }
  if (!batch.told) {
    log_.error("fleet", batch.told.error().message());
    peers_stale_ = true;
    for (Pending& one : batch.changes)
      if (one.done) one.done(batch.told.error());
    if (!waiting_.empty()) commit();
    return;
  }
  hooks_.changed();
  for (Pending& one : batch.changes)
    if (one.done) one.done(std::move(one.entry));
  commit();
}

void Fleet::undo(std::vector<Pending> changes, const Error& why)
{
  for (auto one = changes.rbegin(); one != changes.rend(); ++one) {
    registry_.remove(one->entry.instance_id);
    if (!one->before) continue;
    const Status back = registry_.restore(*one->before);
    if (!back) log_.error("fleet", back.error().message());
  }
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
  if (!registry_.set_fetched_policy(instance, compose_hash, policy)) return;
  change.entry = *registry_.find(instance);
  waiting_.push_back(std::move(change));
  commit();
}

void Fleet::heard(const route::Registry::Handshakes& handshakes, Time now)
{
  // One that is being written may be the one that is forgotten.
  if (!committing_ && waiting_.empty()) {
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
