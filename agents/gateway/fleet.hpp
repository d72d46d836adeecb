#pragma once
/// The registered VMs: decided in memory, written to the disk and told to WireGuard before anybody
/// is answered. What comes while that is being done is done together afterwards: a thousand VMs at
/// once cost a few writes. Lives on the loop's thread.

#include "agents/gateway/state.hpp"
#include "agents/launch/log.hpp"
#include "sys/clock.hpp"
#include "sys/workers.hpp"

namespace dstack::gatewaynode {

class Fleet {
public:
  struct Hooks {
    /// Makes WireGuard know exactly these; on a worker. Empty: there is no WireGuard.
    std::function<Status(const std::vector<route::WgPeer>&)> apply_peers{};
    /// What connections are decided by has changed; in force when it returns.
    std::function<void()> changed{};
  };
  /// With what the state has from before; what contradicts itself there is left out and logged.
  static Result<std::unique_ptr<Fleet>> create(const route::RegistrySettings& settings,
                                               State& state,
                                               sys::WorkerPool& workers,
                                               launch::Log& log,
                                               Hooks hooks);

  using Enrolled = std::function<void(Result<route::RegistryEntry>)>;
  /// done comes when the VM can be answered. A write that fails leaves everything as it was.
  void enrol(const route::Enrolment& who, Enrolled done);
  Status set_admin_policy(const std::string& instance,
                          const std::optional<route::PortPolicy>& policy);
  Status set_drained(const std::string& instance, bool drained);
  /// What a guest agent said, if the instance still has that compose file.
  void set_fetched_policy(const std::string& instance,
                          const std::string& compose_hash,
                          const route::PortPolicy& policy);
  /// When WireGuard heard of each peer last. Forgets instances that are gone.
  void heard(const route::Registry::Handshakes& handshakes, Time now);

  const route::Registry& registry() const { return registry_; }
  bool is_drained(const std::string& instance) const { return drained_.contains(instance); }
  std::vector<std::string> without_policy() const;
  std::uint64_t writes() const { return writes_; }
  std::uint64_t forgotten() const { return forgotten_; }

private:
  /// One change in memory that is not on the disk yet.
  struct Pending {
    route::RegistryEntry entry{};
    std::optional<route::RegistryEntry> before{};
    Enrolled done{};
  };
  struct Batch {
    std::vector<Pending> changes{};
    std::vector<std::string> removed{};
    std::vector<route::WgPeer> peers{};
    bool tell_peers = false;
    Status written = ok();
    Status told = ok();
  };

  Fleet(route::Registry registry,
        State& state,
        sys::WorkerPool& workers,
        launch::Log& log,
        Hooks hooks)
      : registry_(std::move(registry)), state_(state), workers_(workers), log_(log),
        hooks_(std::move(hooks))
  {
  }
  Status restore();
  void commit();
  void write(Batch& batch) const;
  void committed(Batch& batch);
  void undo(std::vector<Pending> changes, const Error& why);

  route::Registry registry_;
  State& state_;
  sys::WorkerPool& workers_;
  launch::Log& log_;
  Hooks hooks_;
  std::set<std::string> drained_{};
  std::vector<Pending> waiting_{};
  std::vector<std::string> removed_{};
  bool peers_stale_ = false; ///< WireGuard does not know what the registry does
  bool committing_ = false;
  std::uint64_t writes_ = 0;
  std::uint64_t forgotten_ = 0;
};

} // namespace dstack::gatewaynode
