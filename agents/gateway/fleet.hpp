#pragma once
/// The registered VMs: decided in memory, shared with the other nodes if there are any, written to
/// the disk and told to WireGuard before anybody is answered. What comes while that is being done
/// is done together afterwards: a thousand VMs at once cost a few writes. Lives on the loop's
/// thread.

#include "agents/gateway/state.hpp"
#include "agents/launch/log.hpp"
#include "cluster/records.hpp"
#include "sys/clock.hpp"
#include "sys/workers.hpp"

namespace dstack::gatewaynode {

/// A change of one instance, for the store that nodes share.
struct Sharing {
  route::RegistryEntry entry{};
  std::optional<route::RegistryEntry> before{}; ///< absent: nobody has it yet
  std::int64_t revision = 0;                    ///< of the store, at which it had that
};

class Fleet {
public:
  struct Hooks {
    /// Makes WireGuard know exactly these; on a worker. Empty: there is no WireGuard.
    std::function<Status(const std::vector<route::WgPeer>&)> apply_peers{};
    /// What connections are decided by has changed; in force when it returns.
    std::function<void()> changed{};
    /// Shares a change, on a worker: the store's revision of it then. What is refused is undone.
    /// Empty: this node is alone.
    std::function<Result<std::int64_t>(const Sharing&)> share{};
    /// Nobody here has heard of these for long. They go when follow() says so.
    std::function<void(std::vector<Sharing>)> forget{};
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

  /// What the store has of an instance since that revision; absent: it is gone. It counts, whatever
  /// was known here.
  void follow(const std::string& instance,
              std::optional<route::RegistryEntry> entry,
              std::int64_t revision);
  /// What operators set at any node; also of instances that are not there yet.
  Status follow(const cluster::Operated& what);
  enum class Unknown { publish, drop };
  /// Follow() has told of all instances that the store had at that revision, which are these.
  void followed_all(const std::set<std::string>& instances, std::int64_t revision, Unknown others);
  /// The store went back to an earlier time: what it says next counts.
  void store_went_back() { revisions_.clear(); }
  /// Nothing is known here that the store does not have.
  bool all_shared() const;
  cluster::Operated operated(const std::string& instance) const;

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
    std::function<void()> again{}; ///< decides it once more, after an undo of others
    bool followed = false;         ///< the store has it already
    Status shared = ok();
  };
  struct Batch {
    std::vector<Pending> changes{};
    std::vector<std::string> removed{};
    std::vector<route::WgPeer> peers{};
    std::map<std::string, std::int64_t> revisions{}; ///< of the store
    bool tell_peers = false;
    Status written = ok();
    Status told = ok();
  };
  struct Followed {
    std::optional<route::RegistryEntry> entry{};
    std::int64_t revision = 0;
    bool told = false; ///< that it contradicts what is known
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
  void share(Batch& batch) const;
  static void take_back(std::vector<route::WgPeer>& peers, const Pending& change);
  void committed(Batch& batch);
  void not_written(Batch& batch);
  void keep_revisions(const Batch& batch);
  void undo_refused(Batch& batch);
  void undo(std::vector<Pending>& changes);
  void undo(std::vector<Pending> changes, const Error& why);
  void settle();
  bool settle_one(const std::string& id, const Followed& what);
  Status replace(const std::string& id, const route::RegistryEntry& entry);
  void forget_locally(const std::string& id);
  bool busy(const std::string& id) const;
  bool idle() const { return !current_ && waiting_.empty(); }
  std::int64_t revision_of(const std::string& id) const;

  route::Registry registry_;
  State& state_;
  sys::WorkerPool& workers_;
  launch::Log& log_;
  Hooks hooks_;
  std::set<std::string> drained_{};
  std::vector<Pending> waiting_{};
  std::vector<std::string> removed_{};
  std::map<std::string, std::int64_t> revisions_{}; ///< of the store, by instance
  std::map<std::string, Followed> incoming_{};      ///< what could not be followed yet
  std::map<std::string, std::optional<route::PortPolicy>> set_by_admin_{};
  bool peers_stale_ = false; ///< WireGuard does not know what the registry does
  std::shared_ptr<Batch> current_{};
  std::uint64_t writes_ = 0;
  std::uint64_t forgotten_ = 0;
};

} // namespace dstack::gatewaynode
