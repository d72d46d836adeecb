#pragma once
/// What nodes share, as JSON in sealed values. Only nodes of one app can have written it; it is
/// judged all the same, since they may be of another version.

#include "base/secret.hpp"
#include "gateway/view.hpp"

namespace dstack::cluster {

/// Who a node is, as VMs and other nodes are told.
struct Node {
  std::uint64_t id = 0; ///< 1 … gateway::max_nodes
  Bytes uuid{};         ///< 16 bytes, made once: two machines cannot be one node
  std::string url{};
  std::string wg_public_key{}; ///< base64; empty: it has no WireGuard
  std::string wg_ip{};         ///< "10.8.0.1/16"
  std::string wg_endpoint{};
  std::string version{};
  bool operator==(const Node&) const = default;
};

struct Standing {
  std::uint64_t node = 0;
  bool accepting = true; ///< registrations
};

/// What operators set of an instance, apart from what instances say (spec gateway 22.21).
struct Operated {
  std::string instance{};
  std::optional<route::PortPolicy> policy{};
  bool drained = false;
};

struct Certificate {
  std::string domain{};
  std::string chain_pem{};
  std::string key_pem{}; ///< secret
  Time issued{};
  std::uint64_t node = 0; ///< that got it
};

struct Account {
  std::string directory_url{};
  std::string url{};
  SecretBytes key_der{};
};

struct Attestation {
  std::string subject{};
  gateway::Attested what{};
};

/// When a node heard of instances last, and how busy it is.
struct Heard {
  std::uint64_t node = 0;
  std::uint64_t connections = 0;
  std::map<std::uint64_t, std::int64_t> instances{}; ///< by mark_of the id; Unix seconds
};
/// Eight bytes of an instance's id: enough to tell whom a node has heard of.
std::uint64_t mark_of(std::string_view instance_id);

struct Challenges {
  struct Alpn {
    std::string name{};
    std::string certificate_pem{};
    std::string key_pem{}; ///< secret
  };
  struct Http {
    std::string host{};
    std::string path{};
    std::string body{};
  };
  std::uint64_t node = 0;
  std::vector<Alpn> alpn{};
  std::vector<Http> http{};
};

/// That a node answers all challenges up to that revision of the store.
struct Seen {
  std::uint64_t node = 0;
  std::int64_t revision = 0;
};

SecretBytes write(const Node& one);
SecretBytes write(const Standing& one);
/// The instance's own part: not what operators set.
SecretBytes write(const route::RegistryEntry& one);
SecretBytes write(const Operated& one);
SecretBytes write(const gateway::DomainSettings& one);
SecretBytes write(const Certificate& one);
SecretBytes write(const Account& one);
SecretBytes write(const Attestation& one);
SecretBytes write(const Heard& one);
SecretBytes write(const Challenges& one);
SecretBytes write(const Seen& one);

/// All Errc::malformed when it is something else.
Result<Node> read_node(ByteView plain);
Result<Standing> read_standing(ByteView plain);
Result<route::RegistryEntry> read_instance(ByteView plain);
Result<Operated> read_operated(ByteView plain);
Result<gateway::DomainSettings> read_domain(ByteView plain);
Result<Certificate> read_certificate(ByteView plain);
Result<Account> read_account(ByteView plain);
Result<Attestation> read_attestation(ByteView plain);
Result<Heard> read_heard(ByteView plain);
Result<Challenges> read_challenges(ByteView plain);
Result<Seen> read_seen(ByteView plain);

} // namespace dstack::cluster
