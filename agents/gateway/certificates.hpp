#pragma once
/// The gateway's public certificates: got and renewed by lib/certs, kept in the state, their keys
/// attested through the guest agent (spec gateway 15). Lives on the loop's thread.

#include "agents/gateway/foundation.hpp"
#include "agents/gateway/state.hpp"
#include "agents/launch/log.hpp"
#include "certs/manager.hpp"
#include "cluster/records.hpp"
#include "net/http_server.hpp"
#include "proxy/plane.hpp"
#include "sys/workers.hpp"

#include <set>

namespace dstack::gatewaynode {

/// What lib/certs needs of the settings. Reads the files with tokens and keys.
Result<certs::Settings> certs_settings(const Foundation& on, std::optional<StoredAccount> account);
Result<std::map<std::string, certs::DnsSettings>> dns_settings(const Foundation& on);
certs::Domain certs_domain(const gateway::DomainSettings& from);

class Certificates {
public:
  struct Hooks {
    /// Certificates or challenges are others now; in force when it returns.
    std::function<void()> changed{};
    /// Of several nodes; empty: this one is alone.
    std::function<std::shared_ptr<certs::Turn>(const std::string& domain)> turn{};
    /// A statement of ours, for the other nodes.
    std::function<void(const cluster::Attestation&)> attested{};
  };
  static Result<std::unique_ptr<Certificates>> create(sys::Loop& loop,
                                                      const Foundation& on,
                                                      State& state,
                                                      sys::WorkerPool& workers,
                                                      launch::Log& log,
                                                      Hooks hooks);
  ~Certificates();
  Certificates(const Certificates&) = delete;
  Certificates& operator=(const Certificates&) = delete;

  void set_domains(const std::vector<gateway::DomainSettings>& domains);
  /// Ways to change DNS, as the settings' files are now.
  Status reload(const Foundation& on);
  std::vector<proxy::DomainCertificate> served() const;
  std::vector<proxy::AlpnChallenge> challenges() const;
  Status renew(const std::string& domain) { return manager_->renew_now(domain); }
  void set_caa(const std::string& domain, std::function<void(Status)> done);
  void add_to(std::vector<gateway::DomainView>& domains) const;
  /// What other nodes got, or vouch for.
  Status follow(const cluster::Certificate& one);
  Status follow(const cluster::Account& one);
  Status follow(const cluster::Attestation& one);
  /// What other nodes want to be answered.
  void answer_too(const std::vector<cluster::Challenges>& others);
  /// What failed is tried again now.
  void hurry() { manager_->hurry(); }
  struct Known {
    std::vector<cluster::Certificate> certificates{};
    std::optional<cluster::Account> account{};
    std::vector<cluster::Attestation> attestations{};
  };
  /// What is kept here, for nodes that do not have it.
  Result<Known> known(std::uint64_t node) const;
  /// For AcmeInfo: all keys of the domains that are attested.
  codec::Json acme_info() const;

private:
  struct Held {
    certs::Certificate certificate{};
    Time issued{};
  };
  /// What a TEE is to vouch for.
  struct Statement {
    std::string subject{}; ///< in the state
    Bytes public_key{};
    std::array<std::uint8_t, 64> report_data{};
  };

  Certificates(sys::Loop& loop,
               State& state,
               sys::WorkerPool& workers,
               launch::Log& log,
               std::string directory,
               guestclient::GuestAgent agent,
               Hooks hooks)
      : loop_(loop), state_(state), workers_(workers), log_(log), directory_(std::move(directory)),
        agent_(std::move(agent)), hooks_(std::move(hooks))
  {
  }
  certs::Listener listener();
  Status load();
  Status answer_http(const std::string& address);
  void issued(const certs::Certificate& certificate);
  void attest_all();
  void attest_certificate(const certs::Certificate& certificate);
  void attest_account();
  void attest(const Statement& what);
  bool is_attested(const std::string& subject, const Bytes& public_key) const;

  sys::Loop& loop_;
  State& state_;
  sys::WorkerPool& workers_;
  launch::Log& log_;
  std::string directory_; ///< of the authority; empty: one of our own
  guestclient::GuestAgent agent_;
  Hooks hooks_;
  std::map<std::string, Held> held_{}; ///< by domain
  std::vector<proxy::AlpnChallenge> alpn_{};
  std::vector<certs::HttpChallenge> http_{};
  std::vector<cluster::Challenges> others_{};
  std::map<std::string, gateway::DomainSettings> domains_{};
  std::set<std::string> attesting_{}; ///< report data under way, hex
  sys::Loop::TimerId retry_timer_ = 0;
  std::unique_ptr<net::HttpServer> http_server_;
  std::unique_ptr<certs::Manager> manager_;
};

} // namespace dstack::gatewaynode
