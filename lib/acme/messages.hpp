#pragma once
/// What an ACME server answers (RFC 8555 section 7): bounded, every URL checked before it is used.

#include "base/text.hpp"
#include "codec/json.hpp"

#include <optional>

namespace dstack::acme {

inline constexpr std::size_t max_answer = std::size_t{256} << 10U;
inline constexpr std::size_t max_url = 2048;
inline constexpr std::size_t max_identifiers = 100;

/// A problem document (RFC 7807; RFC 8555 6.7). Texts are printable and of bounded length.
struct Problem {
  std::string type{}; ///< without "urn:ietf:params:acme:error:" where it begins like that
  std::string detail{};
  std::string text() const; ///< "type: detail"
};
/// Of an answer that is an error; what is no problem document becomes one without a type.
Problem parse_problem(std::string_view body, int status);

/// http or https, printable, not over long, and https when the directory came by https.
Result<std::string> server_url(std::string_view url, std::string_view directory_url);

struct Directory {
  std::string new_nonce{};
  std::string new_account{};
  std::string new_order{};
  std::string renewal_info{}; ///< RFC 9773; empty: not offered
  std::string terms_of_service{};
  std::vector<std::string> caa_identities{};
  bool external_account_required = false;
};
Result<Directory> parse_directory(std::string_view body, std::string_view directory_url);

enum class State { pending, ready, processing, valid, invalid, gone };

struct Order {
  State state = State::pending;
  std::vector<std::string> names{}; ///< with "*." where a wildcard was asked for
  std::vector<std::string> authorizations{};
  std::string finalize{};
  std::string certificate{}; ///< once valid
  std::optional<Problem> error{};
};
Result<Order> parse_order(std::string_view body, std::string_view directory_url);

enum class ChallengeKind { dns_01, http_01, tls_alpn_01 };
std::string_view name_of(ChallengeKind kind);

struct Challenge {
  ChallengeKind kind = ChallengeKind::dns_01;
  std::string url{};
  std::string token{};
  State state = State::pending;
  std::optional<Problem> error{};
};

struct Authorization {
  std::string domain{}; ///< without "*."
  bool wildcard = false;
  State state = State::pending;        ///< gone: deactivated, expired or revoked
  std::vector<Challenge> challenges{}; ///< of the kinds we know
};
Result<Authorization> parse_authorization(std::string_view body, std::string_view directory_url);

/// Refuses accounts that are not valid any more.
State account_state_of(std::string_view body);

/// When a certificate should be renewed, by its authority (RFC 9773 4.2).
struct RenewalInfo {
  Time start{};
  Time end{};
};
Result<RenewalInfo> parse_renewal_info(std::string_view body);

/// Value of a Retry-After header: seconds or an HTTP date (RFC 9110 10.2.3). At most a year ahead.
std::optional<Time> retry_after(std::string_view value, Time now);

} // namespace dstack::acme
