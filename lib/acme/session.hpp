#pragma once
/// Getting a certificate by RFC 8555, as a machine: it says what to send and what to set up, and is
/// told what came back. It opens no socket and knows no clock.

#include "acme/challenge.hpp"
#include "acme/jws.hpp"
#include "http/message.hpp"

#include <variant>

namespace dstack::acme {

struct SessionSettings {
  std::string directory_url{};
  /// Known from before; empty: an account is made (or found) for the key. A known account that the
  /// server does not know is an error: CAA records may be bound to it.
  std::string account_url{};
  std::vector<std::string> contacts{}; ///< "mailto:…"
  std::optional<ExternalAccount> external{};

  std::vector<std::string>
      names{};              ///< for the certificate; none: the account is all that is wanted
  Bytes csr{};              ///< DER, for exactly these names
  Bytes certificate_spki{}; ///< of the CSR's key
  std::vector<ChallengeKind> kinds{}; ///< we can prove, best first; wildcards need dns-01
  std::string replaces{};             ///< renewal_info_name of the certificate before, or empty

  std::int64_t total_ms = 5 * 60'000;
  std::int64_t poll_ms = 500; ///< first pause between questions, growing
};

/// An HTTP request to send.
struct Call {
  std::string method{}; ///< GET, HEAD, POST
  std::string url{};
  std::string content_type{};
  std::string accept{};
  std::string body{};
};
struct WaitUntil {
  Time at{};
};
/// Set all of these up, then say provisioned(). Take them away when the session is over.
struct Provision {
  std::vector<Proof> proofs{};
};
struct Finished {
  std::string account_url{};
  std::string chain_pem{}; ///< ours first; empty when only the account was wanted
};
struct Failed {
  Error error{Errc::internal, ""};
  std::string problem{};            ///< type of the server's problem document, if it sent one
  std::optional<Time> not_before{}; ///< the server does not want to be asked earlier
};
using Step = std::variant<Call, WaitUntil, Provision, Finished, Failed>;

class Session {
public:
  /// The key has to last as long as the session.
  Session(SessionSettings settings, const crypto::P256Key& account_key, Time now);

  /// What to do now. After a Call comes answer() or unreachable(), before next() again.
  Step next(Time now);
  void answer(const http::Response& response, Time now);
  /// Nothing came back; it is tried again a few times.
  void unreachable(const Error& error, Time now);
  void provisioned();
  /// The proofs could not be set up.
  void not_provisioned(Error error);

  const Directory& directory() const { return directory_; }

private:
  enum class Stage {
    directory,
    account,
    order,
    authorizations, ///< reading them
    provision,
    challenges, ///< telling the server to look
    validation, ///< until it has looked
    readiness,  ///< until the order is ready
    finalization,
    issuance, ///< until the certificate is there
    download,
    finished,
    failed
  };
  struct Post {
    std::string url{};
    std::string payload{}; ///< empty: POST-as-GET
    std::string accept{};
  };

  Post post() const;
  std::string account_payload() const;
  std::string order_payload() const;
  void take(const http::Response& response, Time now);
  Status take_account(const http::Response& response);
  Status take_order(const http::Response& response);
  Status take_authorization(const http::Response& response);
  Status take_validation(const http::Response& response, Time now);
  Status take_order_state(const http::Response& response, Time now);
  Status take_certificate(const http::Response& response, Time now);
  void take_problem(const http::Response& response, Time now);
  bool try_again_otherwise(const Problem& problem);
  void after_authorizations();
  void pause(const http::Response* response, Time now);
  void again(const Error& error, std::optional<Time> not_before, Time now);
  void give_up(Error error, std::string problem = {}, std::optional<Time> not_before = {});

  SessionSettings settings_;
  const crypto::P256Key* key_;
  Time deadline_{};
  Stage stage_ = Stage::directory;
  bool awaiting_ = false;     ///< a Call is out
  bool asking_nonce_ = false; ///< and it is for a nonce
  std::string nonce_{};
  Time not_before_{};
  std::int64_t pause_ms_ = 0;
  unsigned failures_ = 0;       ///< in a row, of the network or the server
  unsigned refused_nonces_ = 0; ///< in a row
  Directory directory_{};
  std::string account_url_{};
  std::string order_url_{};
  Order order_{};
  std::size_t at_ = 0; ///< which authorization or challenge
  struct Pending {
    std::string authorization_url{};
    Challenge challenge{};
    Proof proof{};
  };
  std::vector<Pending> pending_{};
  std::string chain_pem_{};
  Failed failure_{};
};

/// The chain that a server sent: readable, for that key, for all of these names, not expired.
Status check_chain(std::string_view chain_pem,
                   ByteView spki,
                   const std::vector<std::string>& names,
                   Time now);

} // namespace dstack::acme
