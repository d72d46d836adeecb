#pragma once
/// The data plane of a gateway (spec gateway 9 to 12): TLS connections are accepted, looked into,
/// and relayed to instances of apps, TLS ended here or passed through. Bytes are never looked at
/// behind the ClientHello. One event loop for each worker thread; what decides is lib/route.

#include "proxy/counts.hpp"
#include "route/balance.hpp"
#include "route/proxy_header.hpp"
#include "route/source_limits.hpp"

#include <functional>
#include <map>
#include <memory>

namespace dstack::proxy {

/// What is known of one instance while it is registered; shared by all worlds it is in, by the
/// workers and by whoever publishes them. Times in Unix milliseconds.
struct Backend {
  std::atomic<std::uint32_t> connections{0}; ///< with those being made
  std::atomic<std::uint32_t> failures{0};    ///< attempts in a row
  std::atomic<std::int64_t> last_failure_ms{0};
  std::atomic<std::int64_t> handshake_ms{0}; ///< of WireGuard; 0: not known
  std::atomic<route::InstanceState::Probe> probe{route::InstanceState::Probe::none};
  std::atomic<bool> drained{false};
  std::atomic<std::uint64_t> bytes_in{0}; ///< from clients; counted when a connection ends
  std::atomic<std::uint64_t> bytes_out{0};
};

struct Target {
  std::shared_ptr<Backend> backend{}; ///< never nullptr
  /// Without WireGuard: the instance's ports that are reached elsewhere, and where. The others are
  /// not reached at all. Absent: at the instance's address.
  std::optional<std::map<std::uint16_t, route::Endpoint>> forwards{};
};

struct DomainCertificate {
  std::string domain{};    ///< lower case
  std::string chain_pem{}; ///< ours first
  std::string key_pem{};   ///< secret
  bool below = true;       ///< served for every name directly below the domain
  /// Served for the domain itself: a custom domain, to be found by its TXT records as others are,
  /// whose TLS ends here.
  bool itself = false;
};

/// What answers "acme-tls/1" for a name (RFC 8737).
struct AlpnChallenge {
  std::string name{}; ///< lower case
  std::string certificate_pem{};
  std::string key_pem{};
};

/// What connections are decided by from now on.
struct World {
  std::vector<std::string> domains{}; ///< lower case
  std::shared_ptr<const route::AppTable> table{};
  std::vector<Target> targets{}; ///< as the table's indexes
  std::vector<DomainCertificate> certificates{};
  std::vector<AlpnChallenge> challenges{};
  std::string pages_socket{}; ///< unix socket that gets gateway.<domain> and health.<domain>, over
                              ///< HTTP/1.1; empty: there are no such pages
};

struct Timeouts {
  std::int64_t proxy_header_ms = 5'000;
  std::int64_t hello_ms = 5'000; ///< until the ClientHello is whole
  std::int64_t handshake_ms = 5'000;
  std::int64_t resolve_ms = 5'000; ///< of custom domains
  std::int64_t idle_ms = 600'000;  ///< without a byte in either direction; 0: none
  std::int64_t total_ms = 18'000'000;
};

struct PlaneSettings {
  std::vector<route::Endpoint> listen{}; ///< port 0: any, the same for all workers
  unsigned workers = 0;                  ///< 0: one for each processor
  route::ProxyTrust trust{};             ///< whose PROXY headers are required and believed
  Timeouts timeouts{};
  route::BalanceSettings balance{};
  route::RaceSettings race{};
  route::SourceLimitSettings sources{};
  std::uint64_t max_connections = 100'000;
  bool tickets = true; ///< sessions are resumed; the keys live as long as the plane, and change
  /// Passed-through directions go over to splice() when so many bytes came without a pause, and
  /// back when they come in small pieces: those are copied faster. 0: never.
  std::uint64_t splice_after = std::uint64_t{256} << 10U;
  /// The kernel encrypts what is sent on TLS connections that end here, if it can: then that is
  /// spliced, too.
  bool kernel_tls = false;
};

struct Outside {
  /// TXT look-ups for a custom domain. Called on a worker; answered once, from any thread.
  using Answer = std::function<void(Result<route::CustomTarget>)>;
  std::function<void(const std::string& host, Answer answer)> custom_target{};
  /// A connection was refused because nothing is known of this instance's port policy. Called on a
  /// worker, possibly often.
  std::function<void(const std::string& instance_id)> policy_wanted{};
};

class Plane {
public:
  struct State;
  /// Listens at once, with an empty world: every name is refused until publish().
  static Result<std::unique_ptr<Plane>> create(const PlaneSettings& settings, Outside outside);
  explicit Plane(std::unique_ptr<State> state);
  ~Plane(); ///< ends every connection
  Plane(const Plane&) = delete;
  Plane& operator=(const Plane&) = delete;

  /// Connections that are being relayed stay as they are. Errc::malformed for a certificate that
  /// cannot be used: then the world before stays.
  Status publish(World world);
  std::vector<route::Endpoint> listening() const;
  /// Listens no more; what is being relayed goes on.
  void drain();
  std::uint64_t live() const;
  Totals totals() const;
  /// Whether the kernel encrypts; an error says why it does not although it was asked for.
  Result<bool> kernel_tls() const;

private:
  std::unique_ptr<State> state_;
};

} // namespace dstack::proxy
