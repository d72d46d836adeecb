#include "kms/webhook.hpp"

#include "base/text.hpp"

namespace dstack::kms {

namespace {

using codec::Json;

constexpr std::size_t shown_body = 512; // spec kms 11.1
constexpr std::size_t max_webhook_reason = 1024;
constexpr codec::JsonLimits webhook_limits{max_webhook_body, 32, 10'000};

/// A URL in the parts that may be shown and those that may not.
struct Url {
  std::string_view scheme; ///< with "://"; empty when there is none
  bool user = false;       ///< there was something before an '@'
  std::string_view rest;   ///< host and path
  bool more = false;       ///< there was a query or fragment
};

/// Passwords are seldom spelt as they should be: whatever stands before the last '@', wherever that
/// is, is taken for one.
Url split_url(std::string_view url)
{
  Url out;
  if (const auto colon = url.find("://"); colon != std::string_view::npos) {
    out.scheme = url.substr(0, colon + 3);
    url.remove_prefix(colon + 3);
  }
  if (const auto at = url.rfind('@'); at != std::string_view::npos) {
    out.user = true;
    url.remove_prefix(at + 1);
  }
  const auto end = url.find_first_of("?#");
  out.more = end != std::string_view::npos;
  out.rest = url.substr(0, end);
  return out;
}

Error bad_answer(std::string_view url, std::string_view why)
{
  return fail(Errc::denied, "auth api {}: {}", redact_url(url), why);
}

Result<Json> body_of(std::string_view url, unsigned status, std::string_view body)
{
  if (status < 200 || status > 299)
    return fail(Errc::denied, "auth api {} returned {}: {}", redact_url(url), status,
                cut_text(body, shown_body));
  if (body.size() > max_webhook_body)
    return bad_answer(
        url, fmt::format("an answer of {} bytes (limit {})", body.size(), max_webhook_body));
  auto json = codec::parse_json(body, webhook_limits);
  if (!json) return bad_answer(url, "the answer is not JSON: " + json.error().message());
  if (!json->is_object()) return bad_answer(url, "the answer is not a JSON object");
  return json;
}

/// A member that must be there, of its kind: null and numbers count for nothing.
const Json* needed(const Json& json, std::string_view key, bool (Json::*kind)() const)
{
  const Json* value = json.find(key);
  return value != nullptr && (value->*kind)() ? value : nullptr;
}

} // namespace

std::string host_of_url(std::string_view url)
{
  std::string_view rest = split_url(url).rest;
  rest = rest.substr(0, rest.find('/'));
  if (rest.starts_with('[')) return std::string{rest.substr(1, rest.find(']') - 1)};
  return std::string{rest.substr(0, rest.find(':'))};
}

std::string boot_auth_url(std::string_view base, Role role)
{
  while (base.ends_with('/'))
    base.remove_suffix(1);
  return fmt::format("{}/bootAuth/{}", base, name_of(role));
}

Result<Decision> decision_of(std::string_view url, unsigned status, std::string_view body)
{
  const Json json = TRY(body_of(url, status, body));
  const Json* allowed = needed(json, "isAllowed", &Json::is_bool);
  if (allowed == nullptr) return bad_answer(url, "'isAllowed' is not true or false");
  const Json* gateway = needed(json, "gatewayAppId", &Json::is_string);
  if (gateway == nullptr) return bad_answer(url, "'gatewayAppId' is not a string");
  const Json* reason = needed(json, "reason", &Json::is_string);
  if (reason == nullptr) return bad_answer(url, "'reason' is not a string");
  Decision out;
  out.allowed = TRY(allowed->as_bool());
  out.gateway_app_id = cut_text(gateway->text(), max_webhook_reason);
  out.reason = out.allowed ? "" : cut_text(reason->text(), max_webhook_reason);
  if (!out.allowed && out.reason.empty()) out.reason = "the webhook gives no reason";
  out.checks.push_back({"webhook", "the webhook allows it",
                        out.allowed ? verify::Outcome::passed : verify::Outcome::failed, "",
                        cut_text(reason->text(), max_webhook_reason), redact_url(url)});
  return out;
}

Result<WebhookInfo> webhook_info_of(std::string_view url, unsigned status, std::string_view body)
{
  const auto read = [&]() -> Result<WebhookInfo> {
    const Json json = TRY(body_of(url, status, body));
    WebhookInfo out;
    out.status = TRY(json.need_string("status"));
    out.kms_contract_address = TRY(json.need_string("kmsContractAddr"));
    out.gateway_app_id = TRY(json.need_string("gatewayAppId"));
    out.chain_id = TRY(json.need_u64("chainId"));
    out.app_implementation = TRY(json.need_string("appImplementation"));
    out.eth_rpc_url = scheme_and_host(TRY(json.get_string("ethRpcUrl", "")));
    return out;
  };
  auto out = read();
  if (out) return out;
  // body_of has named the address already.
  const bool named = out.error().code() == Errc::denied;
  return Error{Errc::malformed,
               named ? out.error().message()
                     : fmt::format("auth api {}: {}", redact_url(url), out.error().message())};
}

Error webhook_failed(std::string_view url, const Error& why)
{
  // The text below may hold the address as it was given.
  std::string text = why.message();
  for (std::size_t at = text.find(url); !url.empty() && at != std::string::npos;
       at = text.find(url, at)) {
    const std::string safe = redact_url(url);
    text.replace(at, url.size(), safe);
    at += safe.size();
  }
  return bad_answer(url, cut_text(text, shown_body));
}

std::string redact_url(std::string_view url)
{
  const Url parts = split_url(url);
  return cut_text(fmt::format("{}{}{}{}", parts.scheme, parts.user ? "***@" : "", parts.rest,
                              parts.more ? "?***" : ""),
                  shown_body);
}

std::string scheme_and_host(std::string_view url)
{
  const Url parts = split_url(url);
  return cut_text(fmt::format("{}{}", parts.scheme, parts.rest.substr(0, parts.rest.find('/'))),
                  shown_body);
}

std::string cut_text(std::string_view text, std::size_t max)
{
  if (text.size() > max) {
    // Back to the start of the character that would be cut.
    std::size_t end = max;
    constexpr std::size_t longest = 4;
    while (end > 0 && max - end < longest &&
           (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U)
      --end;
    text = text.substr(0, end);
  }
  return printable(text);
}

} // namespace dstack::kms
