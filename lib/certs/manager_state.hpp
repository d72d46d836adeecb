#pragma once
/// What a manager knows and does. Not for use outside certs.

#include "certs/dev_ca.hpp"
#include "certs/issuance.hpp"
#include "certs/schedule.hpp"

#include <set>

namespace dstack::certs {

struct Manager::State : std::enable_shared_from_this<Manager::State> {
  struct Held {
    Domain domain{};
    Schedule schedule;
    std::optional<Time> not_after{}; ///< of the one in use
    std::string renewal_name{};      ///< acme::renewal_info_name of it, where it has one
    bool has_renewal_info = false;   ///< the authority knows that name
    bool asking = false;             ///< for its renewal information
    std::int64_t ask_ms = 0;         ///< not before then, of the steady clock
    const Issuance* running = nullptr;
    std::string last_error{};
    std::optional<Time> next_try{};
  };

  std::unique_ptr<Workshop> shop{};
  Settings settings{};
  std::optional<DevCa> dev_ca{};
  std::map<std::string, Held> domains{};
  std::set<std::shared_ptr<Issuance>> issuances{};
  unsigned running = 0;                  ///< of those, what has not ended yet
  std::map<std::string, bool> cleared{}; ///< names where challenges from before are gone, or tried
  std::optional<sys::Loop::TimerId> timer{};

  std::shared_ptr<const crypto::P256Key> account_key{};
  std::string account_url{};
  std::optional<Account> unsaved_account{};
  bool account_running = false;
  std::optional<Schedule> account_schedule{};
  std::string account_error{}; ///< why there is none yet
  std::optional<acme::Directory> directory{};
  unsigned asking = 0; ///< for renewal information

  const AcmeSettings* acme() const { return std::get_if<AcmeSettings>(&settings.authority); }
  Time now() const { return shop->world().now(); }
  std::uint64_t random() const { return shop->world().random(); }

  Status open();
  void tick_soon();
  void tick();
  void arm();

  void set_domains(const std::vector<Domain>& wanted, const std::vector<Certificate>& kept);
  Held hold(const Domain& domain, const std::vector<Certificate>& kept);
  void clear(const Domain& domain);
  bool is_clear(const Held& held) const;

  void begin(Held& held);
  void ended(const std::string& name, const Issuance* which, Issuance::Outcome outcome);
  void succeeded(Held& held, const Certificate& certificate);
  void took(Held& held, const Certificate& certificate);
  void adopt(const Certificate& certificate);
  Status adopt(const Account& account);
  void failed(Held& held, const NotIssued& why);
  std::shared_ptr<Issuance> launch(IssuanceOrder order,
                                   std::function<void(const Issuance*, Issuance::Outcome)> told);

  void make_account(std::function<void(Result<std::string>)> done);
  Result<std::string> save_account(Account account);
  void account_failed(const Error& error, std::optional<std::int64_t> retry_after_ms);
  void ask_for_renewals();
  void ask_for_renewal(Held& held);
  void set_caa(const std::string& domain, std::function<void(Result<acme::CaaPlan>)> done);
};

} // namespace dstack::certs
