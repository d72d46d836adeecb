#include "route/registry.hpp"

#include <algorithm>

namespace dstack::route {

namespace {

constexpr std::size_t max_id_bytes = 64;

Result<std::string> id_text(ByteView id, std::string_view what)
{
  if (id.empty())
    return fail(Errc::denied, "the {} is empty: such apps cannot be reached by name", what);
  if (id.size() > max_id_bytes)
    return fail(Errc::malformed, "{} of {} bytes (at most {})", what, id.size(), max_id_bytes);
  return hex(id);
}

bool is_zero(const WgKey& key)
{
  return std::all_of(key.begin(), key.end(), [](std::uint8_t byte) { return byte == 0; });
}

} // namespace

Registry::Registry(const RegistrySettings& settings, AddressPool pool)
    : settings_(settings), pool_(std::move(pool))
{
}

Result<Registry> Registry::create(const RegistrySettings& settings)
{
  return Registry{settings, TRY(AddressPool::create(settings.pool))};
}

/// An instance's id and an app's id share one space of names, where the instance goes first:
/// nobody may stand before an app of another.
Status Registry::check_ids(const std::string& instance_id, const std::string& app_id) const
{
  if (instance_id == app_id)
    return fail(Errc::denied, "instance {} has the id of its app", instance_id);
  if (apps_.contains(instance_id))
    return fail(Errc::denied, "instance {} has the id of an app", instance_id);
  if (entries_.contains(app_id))
    return fail(Errc::denied, "app {} has the id of an instance", app_id);
  const RegistryEntry* there = find(instance_id);
  if (there != nullptr && there->app_id != app_id)
    return fail(Errc::denied, "instance {} belongs to app {}, not to {}", instance_id,
                there->app_id, app_id);
  return ok();
}

Status Registry::check_key(const WgKey& key, const std::string& instance_id) const
{
  if (is_zero(key)) return fail(Errc::malformed, "a WireGuard key of zeros");
  if (key == settings_.own_key) return fail(Errc::denied, "the WireGuard key is the gateway's own");
  const auto user = keys_.find(key);
  if (user != keys_.end() && user->second != instance_id)
    return fail(Errc::denied, "the WireGuard key is another instance's");
  return ok();
}

Status Registry::check_new(const std::string& app_id) const
{
  const auto app = apps_.find(app_id);
  const std::size_t most = settings_.max_instances_per_app;
  if (most != 0 && app != apps_.end() && app->second >= most)
    return fail(Errc::denied, "app {} has {} instances (at most {})", app_id, app->second, most);
  return ok();
}

Result<Registry::Outcome> Registry::enrol(const Enrolment& who, Time now)
{
  const std::string instance_id = TRY(id_text(who.instance_id, "instance id"));
  const std::string app_id = TRY(id_text(who.app_id, "app id"));
  TRY(check_ids(instance_id, app_id));
  TRY(check_key(who.public_key, instance_id));
  const auto known = entries_.find(instance_id);
  if (known != entries_.end()) return update(known->second, who, now);
  TRY(check_new(app_id));
  RegistryEntry entry;
  entry.instance_id = instance_id;
  entry.app_id = app_id;
  entry.compose_hash = hex(who.compose_hash);
  entry.public_key = who.public_key;
  entry.address = TRY(pool_.allocate());
  entry.registered = now;
  entry.policies.reported = who.reported;
  insert(entry);
  return Outcome{entry, true, true, entry.policies.effective() == nullptr};
}

/// What the operator set stays, whatever the instance says.
Registry::Outcome Registry::update(RegistryEntry& entry, const Enrolment& who, Time now)
{
  Outcome out;
  if (entry.public_key != who.public_key) {
    keys_.erase(entry.public_key);
    keys_[who.public_key] = entry.instance_id;
    entry.public_key = who.public_key;
    entry.registered = now;
    out.peers_changed = true;
  }
  const auto before = entry.policies.reported;
  const std::string compose_hash = hex(who.compose_hash);
  if (entry.compose_hash != compose_hash) {
    entry.compose_hash = compose_hash;
    entry.policies.reported.reset();
  }
  if (who.reported) entry.policies.reported = who.reported;
  out.table_changed = entry.policies.reported != before;
  out.policy_unknown = entry.policies.effective() == nullptr;
  out.entry = entry;
  return out;
}

void Registry::insert(RegistryEntry entry)
{
  keys_[entry.public_key] = entry.instance_id;
  addresses_[entry.address] = entry.instance_id;
  ++apps_[entry.app_id];
  std::string id = entry.instance_id;
  entries_.insert_or_assign(std::move(id), std::move(entry));
}

Status Registry::restore(RegistryEntry entry)
{
  const Bytes instance = TRY(parse_hex(entry.instance_id).within("instance id"));
  const Bytes app = TRY(parse_hex(entry.app_id).within("app id"));
  entry.instance_id = TRY(id_text(instance, "instance id"));
  entry.app_id = TRY(id_text(app, "app id"));
  if (find(entry.instance_id) != nullptr)
    return fail(Errc::denied, "instance {} is there already", entry.instance_id);
  TRY(check_ids(entry.instance_id, entry.app_id));
  TRY(check_key(entry.public_key, entry.instance_id));
  TRY(take_address(entry));
  insert(std::move(entry));
  return ok();
}

Status Registry::take_address(RegistryEntry& entry)
{
  const Address& address = entry.address;
  if (addresses_.contains(address))
    return fail(Errc::denied, "instance {}: address {} is another's", entry.instance_id,
                address.text());
  if (pool_.take(address)) return ok();
  const AddressInNetwork& gateway = settings_.pool.gateway;
  if (!settings_.shared) {
    entry.address = TRY(pool_.allocate());
    return ok();
  }
  if (gateway.network().contains(address) && address != gateway.address) return ok();
  return fail(Errc::denied, "instance {}: address {} is none of VMs in {}", entry.instance_id,
              address.text(), gateway.network().text());
}

Status Registry::set_admin_policy(std::string_view instance_id, std::optional<PortPolicy> policy)
{
  const auto found = entries_.find(instance_id);
  if (found == entries_.end())
    return fail(Errc::not_found, "no instance {} is registered", printable(instance_id));
  found->second.policies.set_by_admin = std::move(policy);
  return ok();
}

bool Registry::set_fetched_policy(std::string_view instance_id,
                                  std::string_view compose_hash,
                                  const PortPolicy& policy)
{
  const auto found = entries_.find(instance_id);
  if (found == entries_.end() || found->second.compose_hash != compose_hash) return false;
  found->second.policies.reported = policy;
  return true;
}

bool Registry::remove(std::string_view instance_id)
{
  const auto found = entries_.find(instance_id);
  if (found == entries_.end()) return false;
  const auto app = apps_.find(found->second.app_id);
  if (--app->second == 0) apps_.erase(app);
  keys_.erase(found->second.public_key);
  addresses_.erase(found->second.address);
  pool_.release(found->second.address);
  entries_.erase(found);
  return true;
}

std::vector<std::string> Registry::dead(const Handshakes& heard, Time now) const
{
  std::vector<std::string> out;
  for (const auto& [id, entry] : entries_) {
    const auto handshake = heard.find(entry.public_key);
    // Nothing from the future counts: it would keep an instance for ever.
    Time last = std::min(entry.registered, now);
    if (handshake != heard.end()) last = std::max(last, std::min(handshake->second, now));
    if (now.ms - last.ms > settings_.forget_after_ms) out.push_back(id);
  }
  return out;
}

std::vector<std::string> Registry::remove_dead(const Handshakes& heard, Time now)
{
  std::vector<std::string> out = dead(heard, now);
  for (const std::string& id : out)
    remove(id);
  return out;
}

const RegistryEntry* Registry::find(std::string_view instance_id) const
{
  const auto found = entries_.find(instance_id);
  return found == entries_.end() ? nullptr : &found->second;
}

std::vector<RegistryEntry> Registry::entries() const
{
  std::vector<RegistryEntry> out;
  for (const auto& [id, entry] : entries_)
    out.push_back(entry);
  return out;
}

std::vector<WgPeer> Registry::peers() const
{
  std::vector<WgPeer> out;
  for (const auto& [id, entry] : entries_)
    out.push_back({entry.public_key,
                   {Network{entry.address, entry.address.bits()}},
                   std::nullopt,
                   settings_.keepalive_seconds});
  return out;
}

std::vector<InstanceRecord> Registry::records() const
{
  std::vector<InstanceRecord> out;
  for (const auto& [id, entry] : entries_)
    out.push_back({entry.instance_id, entry.app_id, entry.address, entry.policies});
  return out;
}

} // namespace dstack::route
