#pragma once
/// One gateway: its fleet, its certificates, its WireGuard, its data plane, what it tells of
/// itself. Lives on the loop's thread; what takes time is done by workers.

#include "agents/gateway/certificates.hpp"
#include "agents/gateway/cluster.hpp"
#include "agents/gateway/custom_domains.hpp"
#include "agents/gateway/fleet.hpp"
#include "agents/gateway/foundation.hpp"
#include "agents/gateway/front.hpp"
#include "agents/gateway/identity.hpp"
#include "agents/gateway/local_vms.hpp"
#include "agents/gateway/policy_fetch.hpp"
#include "agents/gateway/wireguard.hpp"
#include "gateway/admin.hpp"
#include "gateway/clock_watch.hpp"
#include "gateway/service.hpp"
#include "net/tls.hpp"

namespace dstack::gatewaynode {

/// Counted on the loop's thread.
struct ControlCounters {
  std::uint64_t registrations = 0;
  std::uint64_t registrations_refused = 0;
  std::uint64_t evidence_refused = 0;
  std::uint64_t reloads = 0;
};

class Node {
public:
  /// Opens the state and what registrations need. Blocks.
  static Result<std::unique_ptr<Node>>
  create(sys::Loop& loop, Foundation foundation, launch::Log log);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  /// Begins what has to be done again and again.
  void keep_up();
  /// Settings anew; what cannot change while running stays and is told of. An error changes
  /// nothing.
  Status reload();

  gateway::View view() const;
  std::shared_ptr<const net::TlsServer> tls() const { return tls_; }
  const gateway::GatewayOutside& outside() const { return outside_; }
  const gateway::AdminOutside& admin_outside() const { return admin_; }
  const guestclient::GuestAgent& agent() const { return on_.agent; }
  Front& front() { return *front_; }
  const gateway::Settings& settings() const { return on_.settings; }
  sys::fs::path below(const std::string& path) const { return on_.below(path); }
  sys::WorkerPool& workers() { return *workers_; }
  launch::Log& log() { return log_; }
  ControlCounters& counters() { return counters_; }
  /// A trusted verdict on a client's evidence. On workers.
  gateway::Prove prover() const;
  void set_rpc_url(std::string url) { rpc_url_ = std::move(url); }
  /// What Admin.Exit calls: at once, or when connections have ended.
  void on_exit(std::function<void(bool now)> exit) { exit_ = std::move(exit); }

private:
  Node(sys::Loop& loop, Foundation foundation, launch::Log log);
  Status open();
  Status make_wireguard();
  Status make_fleet();
  Status make_front();
  Status take_identity(const Identity& identity);
  void make_outside();
  void make_admin();
  gateway::Self self() const;
  std::vector<gateway::DomainSettings> domains() const;
  gateway::HostView host_view(const route::RegistryEntry& entry) const;
  std::optional<route::Endpoint> agent_of(const route::RegistryEntry& entry) const;
  void ask_webhook(const attest::AppInfo& app, std::function<void(Status)> done);
  void changed();
  void note_facts();
  void domains_changed();
  void look_around();
  void looked(const Result<route::WgState>& state);
  void recycle();
  void look_at_vms();
  void renew_identity();
  Status set_accepting(bool accepting);
  // node_cluster.cpp
  Status make_cluster();
  Cluster::Hooks cluster_hooks();
  void followed_all(const std::set<std::string>& instances, std::int64_t revision);
  void share_what_is_here();
  void share_again();
  cluster::Node as_node() const;
  cluster::Heard heard_here() const;
  std::vector<gateway::Self> nodes() const;
  std::vector<gateway::NodeView> node_views() const;
  Status follow_domain(const gateway::DomainSettings& domain);
  Status drop_domain(const std::string& name);
  using Done = gateway::AdminOutside::Done;
  void set_operated(cluster::Operated what, Done done);
  void set_standing(std::uint64_t node, bool accepting, Done done);
  void add_domain(const gateway::DomainSettings& domain, Done done);
  void delete_domain(const std::string& name, Done done);

  sys::Loop& loop_;
  Foundation on_;
  launch::Log log_;
  ControlCounters counters_{};
  gateway::GatewayOutside outside_{};
  gateway::AdminOutside admin_{};
  std::function<void(bool)> exit_{};
  std::unique_ptr<State> state_;
  Bytes uuid_{};
  Bytes app_id_{};
  std::shared_ptr<const net::TlsServer> tls_;
  std::unique_ptr<WireGuard> wireguard_;
  std::string wg_public_key_{};
  std::string no_wireguard_{};          ///< why there is none
  route::Registry::Handshakes heard_{}; ///< through WireGuard
  route::Registry::Handshakes alive_{}; ///< that, or registered, or there when we began
  std::map<std::string, Forwards> local_vms_{};
  gateway::ClockWatch clock_{};
  bool accepting_ = true;
  std::string rpc_url_{};
  std::vector<gateway::DomainSettings> added_domains_{};
  std::unique_ptr<Cluster> cluster_; ///< absent: this node is alone
  bool sharing_ = false;             ///< not all that was here before is in the store yet
  std::unique_ptr<Fleet> fleet_;
  std::unique_ptr<PolicyFetch> policies_;
  std::unique_ptr<Certificates> certificates_;
  std::unique_ptr<CustomDomains> custom_domains_;
  std::unique_ptr<Front> front_;
  sys::Loop::TimerId look_timer_ = 0;
  sys::Loop::TimerId identity_timer_ = 0;
  bool looking_ = false;
  std::unique_ptr<sys::WorkerPool> workers_; ///< last: its work uses all of the above
};

} // namespace dstack::gatewaynode
