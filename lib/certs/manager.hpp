#pragma once
/// Gets certificates for domains and renews them, on an event loop, without ever holding it up.

#include "acme/caa.hpp"
#include "certs/settings.hpp"
#include "certs/world.hpp"
#include "sys/poll.hpp"

#include <functional>
#include <memory>

namespace dstack::certs {

struct Failure {
  std::string domain{}; ///< empty: the account could not be had
  Error error{Errc::internal, ""};
  Time next_try{};
};

/// What the manager tells, all on the loop's thread. None may destroy the manager.
struct Listener {
  /// A new account: kept on disk before it is used. A failure is tried again later.
  std::function<Status(const Account&)> save_account{};
  /// From now on this one is to be served. It stays in place until the next.
  std::function<void(const Certificate&)> certificate{};
  /// All challenges that are to be answered from now on; in place when this returns.
  std::function<void(const Challenges&)> challenges{};
  /// The certificate from before, if any, stays in use.
  std::function<void(const Failure&)> failed{};
  /// Something an operator should know, no failure: a record that could not be taken away, …
  std::function<void(const std::string&)> note{};
};

struct DomainState {
  Domain domain{};
  std::optional<Time> not_after{}; ///< of the certificate in use
  std::optional<Time> renewal{};   ///< when it is renewed
  bool running = false;            ///< is being issued now
  unsigned failures = 0;           ///< in a row
  std::string last_error{};
  std::optional<Time> next_try{}; ///< after a failure
};

class Manager {
public:
  /// Starts at the loop's next turn. The loop must outlive it.
  static Result<std::unique_ptr<Manager>>
  create(sys::Loop& loop, Settings settings, Listener listener, World world);
  ~Manager();
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  /// The whole list: new ones are issued, those that are gone are no longer renewed. kept: from
  /// before, for those of the domains that have one.
  void set_domains(const std::vector<Domain>& domains, const std::vector<Certificate>& kept);
  /// Ways to change DNS from now on; what runs goes on with those from before.
  void set_dns(std::map<std::string, DnsSettings> dns);
  /// What another node got: as if it had been got here, but nobody is told of it.
  void adopt(const Certificate& certificate);
  Status adopt(const Account& account);
  /// What has failed is tried again now.
  void hurry();
  /// A new certificate as soon as possible, whatever the schedule says. Errc::not_found.
  Status renew_now(const std::string& domain);
  /// Makes the domain's CAA records allow the account, and nobody else (RFC 8657); done with what
  /// was changed.
  void set_caa(const std::string& domain, std::function<void(Result<acme::CaaPlan>)> done);
  /// Another account from now on, saved as the first one was; CAA records are not changed.
  void rotate_account(std::function<void(Result<std::string> account_url)> done);

  std::vector<DomainState> state() const;
  /// Empty while there is none.
  std::string account_url() const;

private:
  struct State;
  explicit Manager(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

} // namespace dstack::certs
