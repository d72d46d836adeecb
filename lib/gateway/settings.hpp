#pragma once
/// DIR/gateway.toml: how a gateway runs (spec gateway 18). Relative paths are below DIR. What is
/// changed while it runs (domains, port policies, drained instances) is in its database.

#include "base/text.hpp"
#include "route/ip.hpp"

#include <chrono>
#include <map>
#include <optional>

namespace dstack::gateway {

inline constexpr std::size_t max_settings = std::size_t{256} << 10U;

using std::chrono::milliseconds;

/// [[domain]]: apps are reached below it.
struct DomainSettings {
  std::string name{};                       ///< lower case, without "*." and the last dot
  std::string names = "wildcard";           ///< or "wildcard-and-itself", "itself"
  std::vector<std::string> prove{"dns-01"}; ///< also "tls-alpn-01", "http-01", which take no "*"
  std::string dns{};                        ///< which [dns.NAME]
  std::string challenge_name{};             ///< where _acme-challenge is a CNAME to
  std::uint64_t priority = 0;               ///< the highest is what VMs are told
  bool operator==(const DomainSettings&) const = default;

  /// Apps have names below it; otherwise it is a custom domain whose TLS ends here.
  bool has_apps() const { return names != "itself"; }
  bool serves_itself() const { return names != "wildcard"; }
};
/// Spec gateway 4: blanks, final dots and "*." go, lower case; Errc::config unless it is a domain.
Result<std::string> normal_domain(std::string_view text);

/// [certificates]
struct CertificateSettings {
  enum class Authority { acme, development } authority = Authority::acme;
  std::string directory = "https://acme-v02.api.letsencrypt.org/directory";
  std::string ca_file{};               ///< trusted for that authority instead of the system's roots
  std::vector<std::string> contacts{}; ///< "mailto:…"
  milliseconds before_expiry{std::int64_t{30} * 86'400'000};
  std::string http_listen{}; ///< answers http-01 there; empty: nowhere
  bool operator==(const CertificateSettings&) const = default;
};

/// [dns.NAME]: a way to change DNS.
struct DnsSettings {
  std::string kind{};       ///< "cloudflare", "update" (RFC 2136), "hook"
  std::string url{};        ///< of Cloudflare's API; empty: the usual
  std::string token_file{}; ///< owner-only
  std::string server{};
  std::string zone{};
  std::string key_name{};
  std::string algorithm = "hmac-sha256"; ///< or hmac-sha512
  std::string key_file{};                ///< owner-only: as tsig-keygen writes it, or base64
  std::vector<std::string> command{};
  std::uint64_t ttl = 60; ///< seconds
  milliseconds max_wait{300'000};
  std::vector<std::string> resolvers{};
  std::vector<std::string> check_servers{};
  bool operator==(const DnsSettings&) const = default;
};

/// [wireguard]
struct WireGuardSettings {
  bool enabled = true; ///< false: VMs of this machine are reached through their forwarded ports
  std::string interface = "dstack-gw0";
  std::uint64_t listen_port = 51820;
  std::string address = "10.8.0.1/16"; ///< ours, with the network of all nodes
  std::string clients = "10.8.0.0/18"; ///< what this node hands out
  std::vector<std::string> reserved{"10.8.0.1/32"};
  std::string endpoint = "127.0.0.1:51820"; ///< where VMs reach us: host or address, and port
  bool operator==(const WireGuardSettings&) const = default;
};

/// [proxy]
struct ProxySettings {
  std::vector<std::string> listen{"127.0.0.1:8443"};
  std::uint64_t external_port = 443; ///< what names are shown with
  std::uint64_t workers = 0;         ///< 0: one for each processor
  std::uint64_t agent_port = 8090;   ///< of guest agents, told to VMs
  std::string txt_prefix = "_dstack-app-address";
  std::vector<std::string> dns_servers{};     ///< for custom domains; none: this machine's
  std::vector<std::string> trusted_proxies{}; ///< whose PROXY headers are required and believed
  std::uint64_t max_connections = 100'000;
  std::uint64_t max_connections_per_app = 2000; ///< 0: no limit
  std::uint64_t max_per_source = 1000;          ///< connections at a time
  std::uint64_t new_per_source = 200;           ///< a second
  std::uint64_t candidates = 3;
  std::uint64_t splice_after = std::uint64_t{256} << 10U; ///< bytes without a pause; 0: never
  bool kernel_tls = false; ///< the kernel encrypts what is sent, if it can
  milliseconds connect_timeout{5'000};
  milliseconds handshake_timeout{5'000};
  milliseconds idle_timeout{600'000};
  milliseconds total_timeout{18'000'000};
  bool operator==(const ProxySettings&) const = default;
};

/// [admin]: beside the socket, which asks its owner for nothing.
struct AdminSettings {
  std::string listen{};     ///< plain HTTP; empty: nowhere
  std::string token_file{}; ///< owner-only; needed with listen
  bool operator==(const AdminSettings&) const = default;
};

/// [webhook]: is asked whether a VM may register.
struct WebhookSettings {
  std::string url{};
  milliseconds timeout{5'000};
  bool operator==(const WebhookSettings&) const = default;
};

/// [collateral]: for certificates that carry an attestation.
struct CollateralSettings {
  std::string pccs_url{};
  std::string kds_url{};
  std::string directory = "collateral";
  bool offline = false;
  bool operator==(const CollateralSettings&) const = default;
};

/// Guests take no more servers from one gateway (gatewayclient).
inline constexpr std::uint64_t max_nodes = 16;

/// [cluster]: several nodes that share through etcd.
struct ClusterSettings {
  std::vector<std::string> etcd{}; ///< its members, "http://127.0.0.1:2379"; none: this one is alone
  std::string prefix = "/dstack/gateway"; ///< of all keys
  std::uint64_t node = 1;                 ///< 1 to max_nodes, another one for each
  std::string ca_file{};                  ///< trusted for etcd instead of the system's roots
  std::string certificate_file{};         ///< ours for etcd, with its key
  std::string key_file{};                 ///< owner-only
  std::string user{};                     ///< of etcd
  std::string password_file{};            ///< owner-only
  milliseconds timeout{2'000};            ///< until the next member is asked
  milliseconds lease{15'000};             ///< without a sign for so long a node counts as gone
  bool operator==(const ClusterSettings&) const = default;

  bool alone() const { return etcd.empty(); }
};

struct Settings {
  bool development = false;              ///< evidence of a simulated TEE counts
  std::string listen = "127.0.0.1:8010"; ///< a KMS of the same machine has 8000
  std::string url{};                     ///< how VMs reach that; empty: nobody is told
  std::vector<std::string> names{"localhost", "127.0.0.1"}; ///< of our certificate
  std::string agent{}; ///< the guest agent; empty: DSTACK_AGENT_ADDRESS, then the usual sockets
  std::vector<std::string> kms_urls{}; ///< for the agent that is played on a machine without one
  std::string admin_socket = "admin.sock";
  std::string state_file = "gateway.db";
  milliseconds recycle_after{36'000'000};  ///< instances that are neither heard of nor register
  std::uint64_t max_instances_per_app = 0; ///< 0: as many as there are addresses
  std::vector<DomainSettings> domains{};
  CertificateSettings certificates{};
  std::map<std::string, DnsSettings> dns{};
  WireGuardSettings wireguard{};
  ProxySettings proxy{};
  AdminSettings admin{};
  WebhookSettings webhook{};
  CollateralSettings collateral{};
  ClusterSettings cluster{};
  bool operator==(const Settings&) const = default;
};

/// Errc::config with the line: unknown keys, wrong kinds, what cannot be. Unset keys have the
/// values above.
Result<Settings> settings_from_toml(std::string_view text, std::string_view name);

/// What `dstack gateway init` writes: every key with a word on it; reading it gives the same.
std::string settings_text(const Settings& settings);

} // namespace dstack::gateway
