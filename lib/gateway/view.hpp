#pragma once
/// What a gateway knows of itself at a moment: what its calls, its metrics and its pages tell.

#include "gateway/settings.hpp"
#include "route/registry.hpp"

namespace dstack::gateway {

/// This node, as VMs and other nodes are told of it.
struct Self {
  std::uint64_t id = 1;
  Bytes uuid{};
  Bytes app_id{};
  std::string version{};
  std::string url{};
  std::string wg_public_key{}; ///< base64; empty without WireGuard: VMs then make no interface
  std::string wg_ip{};         ///< with its prefix
  std::string wg_endpoint{};
  std::string base_domain{}; ///< the best of the domains, empty when there is none
  std::uint64_t external_port = 0;
  std::uint64_t agent_port = 0;
  std::string txt_prefix{};
};

/// When a node heard of an instance last.
struct HeardView {
  std::uint64_t node = 0;
  Time at{};
};

struct HostView {
  route::RegistryEntry entry{};
  std::int64_t handshake_ms = 0; ///< Unix; 0: not known
  std::uint64_t connections = 0;
  std::uint64_t failures = 0; ///< attempts in a row that came to nothing
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  bool drained = false;
  std::vector<HeardView> heard{}; ///< by other nodes
  std::string reached{}; ///< without WireGuard: "22>127.0.0.1:40022, …", or why it is not
};

struct DomainView {
  DomainSettings settings{};
  bool added = false; ///< while running, not by the settings file
  std::optional<Time> not_after{};
  std::optional<Time> issued{};
  bool issuing = false;
  std::string problem{};
};

/// A node of the cluster, this one among them.
struct NodeView {
  Self self{};           ///< what VMs are told of it
  bool up = true;        ///< it gave a sign within its lease
  bool accepting = true; ///< registrations
  Time seen{};           ///< when it wrote last when it heard of whom; of this one: now
  std::uint64_t connections = 0;
};

/// The store that the nodes share.
struct StoreView {
  bool there = false;    ///< false: this node is alone
  bool healthy = false;  ///< a majority of it answers, and knows us
  std::string problem{}; ///< why not
  std::string member{};  ///< that answered last
  std::uint64_t refused = 0; ///< records that did not open or made no sense
};

/// A key of ours that the TEE vouches for (spec gateway 15.6).
struct Attested {
  Bytes public_key{};        ///< SPKI, DER
  std::string quote{};       ///< the guest agent's answer to GetQuote, as JSON text
  std::string attestation{}; ///< and to Attest; may be empty
  Time at{};
};

struct Counter {
  std::string name{};
  std::uint64_t value = 0;
};

struct View {
  Self self{};
  bool development = false;
  bool accepting = true; ///< registrations are taken
  std::string reach{};   ///< "WireGuard (kernel)", "forwarded ports of this machine: …"
  std::string rpc_url{};
  std::vector<std::string> proxy{}; ///< addresses that the data plane listens on
  Time now{};
  std::vector<NodeView> nodes{}; ///< by number
  StoreView store{};
  std::vector<HostView> hosts{}; ///< by instance id
  std::vector<DomainView> domains{};
  std::uint64_t live = 0;            ///< connections of the data plane
  std::vector<Counter> data_plane{}; ///< dstack_gateway_proxy_<name>_total
  std::vector<Counter> refused{};    ///< by reason
  std::vector<Counter> control{};    ///< dstack_gateway_<name>_total
};

/// Heard of through WireGuard less than 300 s ago (spec gateway 4).
bool is_online(const HostView& host, Time now);

} // namespace dstack::gateway
