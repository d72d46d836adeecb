#pragma once
/// The gateway's public certificates: got and renewed by lib/certs, kept in the state, their keys
/// attested through the guest agent (spec gateway 15). Lives on the loop's thread.

#include "agents/gateway/foundation.hpp"
#include "agents/gateway/state.hpp"
#include "agents/launch/log.hpp"
#include "certs/manager.hpp"
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
  /// changed: certificates or challenges are others now; in force when it returns.
  static Result<std::unique_ptr<Certificates>> create(sys::Loop& loop,
                                                      const Foundation& on,
                                                      State& state,
                                                      sys::WorkerPool& workers,
                                                      launch::Log& log,
                                                      std::function<void()> changed);
  ~Certificates();
  Certificates(const Certificates&) = delete;
  Certificates& operator=(const Certificates&) = delete;

  void set_domains(const std::vector<gateway::DomainSettings>& domains);
  /// Ways to change DNS, as the settings' files are now.
  Status reload(const Foundation& on);
  std::vector<proxy::DomainCertificate> served() const;
  std::vector<proxy::AlpnChallenge> challenges() const { return alpn_; }
  Status renew(const std::string& domain) { return manager_->renew_now(domain); }
  void set_caa(const std::string& domain, std::function<void(Status)> done);
  void add_to(std::vector<gateway::DomainView>& domains) const;
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
               std::function<void()> changed)
      : loop_(loop), state_(state), workers_(workers), log_(log), directory_(std::move(directory)),
        agent_(std::move(agent)), changed_(std::move(changed))
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

  sys::Loop& loop_;
  State& state_;
  sys::WorkerPool& workers_;
  launch::Log& log_;
  std::string directory_; ///< of the authority; empty: one of our own
  guestclient::GuestAgent agent_;
  std::function<void()> changed_;
  std::map<std::string, Held> held_{}; ///< by domain
  std::vector<proxy::AlpnChallenge> alpn_{};
  std::vector<certs::HttpChallenge> http_{};
  std::map<std::string, gateway::DomainSettings> domains_{};
  std::set<std::string> attesting_{}; ///< report data under way, hex
  sys::Loop::TimerId retry_timer_ = 0;
  std::unique_ptr<net::HttpServer> http_server_;
  std::unique_ptr<certs::Manager> manager_;
};

} // namespace dstack::gatewaynode
