#pragma once
/// This node among others: what it shares with them through etcd, and what it hears of them. The
/// store is believed nothing but that it is there: values are sealed. Lives on the loop's thread;
/// what is said to be for any thread blocks.

#include "agents/gateway/fleet.hpp"
#include "agents/gateway/foundation.hpp"
#include "certs/turn.hpp"
#include "cluster/seal.hpp"
#include "etcd/client.hpp"

#include <condition_variable>

namespace dstack::gatewaynode {

class Cluster {
public:
  /// What the store told, on the loop's thread.
  struct Hooks {
    std::function<cluster::Node()> self{};   ///< as others shall see us
    std::function<cluster::Heard()> heard{}; ///< by us
    std::function<void(const std::string& id, std::optional<route::RegistryEntry>, std::int64_t)>
        instance{};
    std::function<Status(const cluster::Operated&)> operated{};
    std::function<Status(const gateway::DomainSettings&)> domain{};
    std::function<Status(const std::string& name)> domain_gone{};
    std::function<Status(const cluster::Certificate&)> certificate{};
    std::function<Status(const cluster::Account&)> account{};
    std::function<Status(const cluster::Attestation&)> attestation{};
    std::function<void()> challenges{};               ///< of others; answered when it returns
    std::function<Status(bool accepting)> standing{}; ///< of this node
    std::function<void()> store_went_back{};
    /// All of it was told; instances are those that are there.
    std::function<void(const std::set<std::string>& instances, std::int64_t revision)> all{};
    std::function<void()> revived{}; ///< what had to wait for the store, or a node, can go on
  };
  /// Asks the guest agent for the app's key. An error when the node's number is another's; without
  /// the store it begins all the same.
  static Result<std::unique_ptr<Cluster>>
  create(sys::Loop& loop, const Foundation& on, launch::Log& log, Hooks hooks);
  ~Cluster();
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  void start();
  std::vector<gateway::NodeView> others() const;
  gateway::StoreView view() const;
  /// Of this cluster, made by its first node; empty until it is known.
  std::string id() const { return id_; }
  bool knows(cluster::Kind kind, std::string_view name) const;
  /// By other nodes; a time of 0: never.
  Time heard_of(const std::string& instance) const;
  std::vector<gateway::HeardView> heard_by(const std::string& instance) const;
  std::vector<cluster::Challenges> challenges() const;

  using Done = std::function<void(Status)>;
  /// If nobody has changed it since we heard of it; done when it counts here as well.
  void put(cluster::Kind kind, const std::string& name, SecretBytes plain, Done done);
  void erase(cluster::Kind kind, const std::string& name, Done done);
  /// Unless somebody has put it already; a failure is logged, and made good at the next occasion.
  void offer(cluster::Kind kind, const std::string& name, SecretBytes plain);

  /// Any thread.
  Result<std::int64_t> share(const Sharing& what);
  /// If no other node has heard of them meanwhile.
  void forget(const std::vector<Sharing>& gone);
  /// A turn at getting what a domain, or without one an authority's account, has in the store.
  std::shared_ptr<certs::Turn> turn(const std::string& domain, const std::string& directory_url);

private:
  friend class ClusterTurn;
  static constexpr std::int64_t second_ms = 1000;
  static constexpr std::chrono::milliseconds again_soon{1'000}; ///< the store could not be asked
  using Kind = cluster::Kind;
  struct Held { ///< a key of the store
    Kind kind{};
    std::int64_t revision = 0;
    std::string name{}; ///< that it stands for; empty: it was not believed
  };
  struct NodeState {
    std::optional<cluster::Node> who{};
    bool up = false;
    bool accepting = true;
    cluster::Heard heard{};
    Time wrote{}; ///< heard
    std::int64_t seen = 0;
    std::map<std::string, cluster::Challenges> challenges{}; ///< by key
  };
  struct Session { ///< of the store, as the last sign of life left it
    std::int64_t lease = 0;
    std::int64_t alive = 0; ///< revision at which our sign was made
    std::string id{};
    std::int64_t revision = 0; ///< of the store
    bool wrote_heard = false;
  };
  struct Sign { ///< what the next sign of life says
    cluster::Node self{};
    std::optional<cluster::Heard> heard{};
  };

  Cluster(sys::Loop& loop,
          launch::Log& log,
          Hooks hooks,
          cluster::Seal seal,
          etcd::ClientSettings client,
          const gateway::Settings& settings);
  std::string key(Kind kind, std::string_view name) const { return seal_.key(kind, name); }
  std::string node_name() const { return fmt::format("{}", node_); }
  Result<etcd::Put>
  sealed(const std::string& key, const SecretBytes& plain, std::int64_t lease) const;

  // cluster_session.cpp: on a worker, one after the other
  Result<Session> sign(Session session, const Sign& sign);
  Result<Session> join(const Sign& sign);
  Result<bool> is_there(Session& session, const cluster::Node& self);
  Result<std::string> cluster_id();
  Status write_heard(const cluster::Heard& heard);
  void beat();
  void beaten(const Result<Session>& session, std::int64_t told);
  Sign next_sign() const;

  // cluster.cpp
  void look();
  void looked(const Result<etcd::Notice>& notice);
  void looked_at_all(const Result<etcd::Found>& all);
  void look_again(const Error& why);
  Result<etcd::Found> find_all();
  void apply(const etcd::Event& event);
  Result<std::string>
  took(Kind kind, const std::string& key, const SecretBytes& plain, std::int64_t revision);
  Result<std::string> took_of_node(Kind kind, const std::string& key, const SecretBytes& plain);
  void gone(const Held& held, const std::string& key, std::int64_t revision);
  void tell_seen();
  void set_healthy(bool healthy, const std::string& problem);
  void remember(const std::string& key, std::optional<Held> held);
  std::int64_t revision_of(const std::string& key) const;
  void commit(etcd::Transaction what, std::function<void(Result<etcd::Outcome>)> done);
  bool all_answer(std::int64_t revision); ///< with the mutex held
  Status not_now() const;

  sys::Loop& loop_;
  launch::Log& log_;
  Hooks hooks_;
  cluster::Seal seal_;
  etcd::Client client_;
  std::uint64_t node_;
  std::chrono::milliseconds lease_time_;
  std::int64_t heard_every_ms_;
  std::string id_{};
  std::string problem_ = "it has not answered yet";
  std::uint64_t refused_ = 0;
  std::int64_t revision_ = 0; ///< up to which we were told; 0: nothing
  std::int64_t heard_written_ms_ = 0;
  bool looking_failed_ = false;
  Session session_{};
  std::atomic<bool> healthy_ = false;
  std::atomic<std::int64_t> lease_ = 0;
  std::atomic<std::int64_t> alive_ = 0;
  mutable std::mutex mutex_; ///< of what follows: written on the loop's thread, read on others
  std::condition_variable moved_;
  std::map<std::string, Held> held_{};
  std::map<std::uint64_t, NodeState> nodes_{};
  sys::Loop::TimerId beat_timer_ = 0;
  sys::Loop::TimerId look_timer_ = 0;
  std::unique_ptr<sys::WorkerPool> pool_; ///< last: its work uses all of the above
};

} // namespace dstack::gatewaynode
