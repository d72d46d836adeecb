#pragma once
/// The authorisation webhook (spec kms 11.1): what is asked, what counts as an answer. Only bytes;
/// the caller sends them, every time and with a deadline.

#include "kms/policy.hpp"

namespace dstack::kms {

inline constexpr std::size_t max_webhook_body = std::size_t{64} << 10U;

/// "http://auth:8000/" -> "http://auth:8000/bootAuth/app". The body to POST there is to_text(info).
std::string boot_auth_url(std::string_view base, Role role);

/// The decision in an answer. Refusals are decisions; errors (Errc::denied, as no keys follow) are
/// other statuses than 2xx and bodies without the three members isAllowed (true or false),
/// gatewayAppId and reason (strings). The error shows the redacted URL and the body's start.
Result<Decision> decision_of(std::string_view url, unsigned status, std::string_view body);

/// What `GET {url}` answers.
struct WebhookInfo {
  std::string status{};
  std::string kms_contract_address{};
  std::string gateway_app_id{};
  std::uint64_t chain_id = 0;
  std::string app_implementation{};
  std::string eth_rpc_url{}; ///< scheme and host only
};
/// Errors are Errc::malformed.
Result<WebhookInfo> webhook_info_of(std::string_view url, unsigned status, std::string_view body);

/// A POST that got no answer at all, as an error that refuses: "auth api http://…: <why>".
Error webhook_failed(std::string_view url, const Error& why);

/// "auth.example" of "http://user:password@auth.example:8000/x"; an address without brackets.
std::string host_of_url(std::string_view url);
/// User name, password, query and fragment replaced: safe to log and to show. Everything before an
/// '@' is taken for a password.
std::string redact_url(std::string_view url);
/// "https://rpc.example:8545" of "https://rpc.example:8545/v3/KEY": RPC providers put their keys
/// into the path.
std::string scheme_and_host(std::string_view url);

/// At most max bytes, cut between characters; bytes that are no UTF-8 become '?'.
std::string cut_text(std::string_view text, std::size_t max);

} // namespace dstack::kms
