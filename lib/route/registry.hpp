#pragma once
/// Which VMs a gateway knows: who may register as what, with which key and address (spec gateway
/// 7). Who somebody is was proven before; here is decided what that gives.

#include "route/address_pool.hpp"
#include "route/app_table.hpp"
#include "route/wireguard.hpp"

#include <map>
#include <set>

namespace dstack::route {

using WgKey = std::array<std::uint8_t, 32>;

/// What a VM asks for; the ids and the hash are those that were proven.
struct Enrolment {
  Bytes app_id{};
  Bytes instance_id{};
  Bytes compose_hash{};
  WgKey public_key{};
  std::optional<PortPolicy> reported{};
};

/// What is kept of a VM, to be written down and given to restore() after a restart.
struct RegistryEntry {
  std::string instance_id{}; ///< lower-case hex, as are the others
  std::string app_id{};
  std::string compose_hash{};
  WgKey public_key{};
  Address address{};
  Time registered{}; ///< when its key was taken
  InstancePolicies policies{};
  bool operator==(const RegistryEntry&) const = default;
};

struct RegistrySettings {
  PoolSettings pool{};
  WgKey own_key{};
  std::size_t max_instances_per_app = 0;     ///< 0: as many as there are addresses
  std::int64_t forget_after_ms = 36'000'000; ///< neither registered nor heard of for so long
  std::uint16_t keepalive_seconds = 25;
  bool shared = false; ///< other nodes hand out addresses of the network, too: they count as theirs
};

class Registry {
public:
  static Result<Registry> create(const RegistrySettings& settings);

  struct Outcome {
    RegistryEntry entry{};
    bool peers_changed = false; ///< WireGuard has to be told before the VM is answered
    bool table_changed = false;
    bool policy_unknown = false; ///< to be asked for
  };
  /// Errc::denied: another has that key, the id belongs to another app, or no address is left.
  Result<Outcome> enrol(const Enrolment& who, Time now);

  /// An entry from before. One that contradicts those already there is refused: give them oldest
  /// first. An address outside our range is exchanged for one of ours, unless nodes share theirs:
  /// then it stays, if it is in the network and nobody's.
  Status restore(RegistryEntry entry);

  /// Errc::not_found for instances that are not registered.
  Status set_admin_policy(std::string_view instance_id, std::optional<PortPolicy> policy);
  /// What fetching brought; ignored (false) when the instance has another compose file by now.
  bool set_fetched_policy(std::string_view instance_id,
                          std::string_view compose_hash,
                          const PortPolicy& policy);
  bool remove(std::string_view instance_id);

  /// Latest handshakes, Unix time; absent or zero: never. Removes and names those that are gone.
  using Handshakes = std::map<WgKey, Time>;
  std::vector<std::string> remove_dead(const Handshakes& heard, Time now);
  /// The same without removing them.
  std::vector<std::string> dead(const Handshakes& heard, Time now) const;

  const RegistryEntry* find(std::string_view instance_id) const;
  std::size_t size() const { return entries_.size(); }
  std::vector<RegistryEntry> entries() const; ///< by instance id
  std::vector<WgPeer> peers() const;
  std::vector<InstanceRecord> records() const;

private:
  Registry(const RegistrySettings& settings, AddressPool pool);

  Status check_ids(const std::string& instance_id, const std::string& app_id) const;
  Status check_key(const WgKey& key, const std::string& instance_id) const;
  Status check_new(const std::string& app_id) const;
  Outcome update(RegistryEntry& entry, const Enrolment& who, Time now);
  Status take_address(RegistryEntry& entry);
  void insert(RegistryEntry entry);

  RegistrySettings settings_;
  AddressPool pool_;
  std::map<std::string, RegistryEntry, std::less<>> entries_{};
  std::map<std::string, std::size_t, std::less<>> apps_{}; ///< instances of each
  std::map<WgKey, std::string> keys_{};
  std::map<Address, std::string> addresses_{};
};

} // namespace dstack::route
