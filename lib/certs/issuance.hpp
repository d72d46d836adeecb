#pragma once
/// One certificate (or an account) from the authority, by the loop: what blocks runs on threads.
/// Whatever was set up for it is taken away in the end. Not for use outside certs.

#include "acme/messages.hpp"
#include "acme/session.hpp"
#include "certs/dns_check.hpp"
#include "certs/workshop.hpp"

namespace dstack::certs {

/// Of a request to the authority.
inline constexpr fetch::ClientLimits authority_limits{
    std::chrono::seconds{10}, std::chrono::seconds{30}, acme::max_answer, 0};

struct IssuanceOrder {
  std::optional<Domain> domain{}; ///< absent: the account is all that is wanted
  std::optional<DnsSettings> dns{};
  AcmeSettings acme{};
  std::shared_ptr<const crypto::P256Key> account_key{};
  std::string account_url{};
  std::string replaces{}; ///< acme::renewal_info_name of the certificate before
  std::int64_t clean_up_pause_ms = 0;
  std::shared_ptr<Turn> turn{}; ///< absent: this node is alone
};

struct Issued {
  std::string account_url{};
  std::optional<Certificate> certificate{};
  acme::Directory directory{};
};
struct NotIssued {
  Error error{Errc::internal, ""};
  std::optional<std::int64_t> retry_after_ms{};
};

class Issuance : public std::enable_shared_from_this<Issuance> {
public:
  using Outcome = std::variant<Issued, NotIssued>;
  /// told: once, with what it came to. over: when everything is taken away, or cannot be.
  Issuance(Workshop& shop,
           IssuanceOrder order,
           std::function<void(Outcome)> told,
           std::function<void()> over);
  void start();

private:
  void begin();
  Status prepare();
  void sent(Result<http::Response> answer);
  void got(Issued issued);
  Time now() const;
  void step();
  void send(const acme::Call& call);
  void provide(const acme::Provision& provision);
  Status sort_proofs(const std::vector<acme::Proof>& proofs);
  void add_records();
  void look();
  void provided();
  void not_provided(Error error);
  void finish(Outcome outcome);
  void conclude(Outcome outcome);
  void clean_up();

  Workshop& shop_;
  IssuanceOrder order_;
  std::function<void(Outcome)> told_;
  std::function<void()> over_;
  std::int64_t started_ms_;
  Time started_at_;
  std::shared_ptr<const crypto::P256Key> key_{}; ///< of the certificate
  std::optional<acme::Session> session_{};
  std::shared_ptr<DnsProvider> provider_{};
  std::vector<WantedText> records_{}; ///< that are there, or may be
  Challenges challenges_{};
  std::vector<ZoneServer> servers_{};
  std::int64_t look_until_ms_ = 0;
  std::int64_t look_pause_ms_ = 0;
  unsigned clean_ups_ = 0;
};

} // namespace dstack::certs
