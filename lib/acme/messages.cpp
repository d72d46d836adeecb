#include "acme/messages.hpp"

#include "acme/jws.hpp"
#include "base/calendar.hpp"

#include <algorithm>

namespace dstack::acme {

namespace {

using codec::Json;

constexpr codec::JsonLimits answer_limits{max_answer, 16, 20'000};
constexpr std::size_t max_text = 512;
constexpr std::string_view urn = "urn:ietf:params:acme:error:";

std::string shown(std::string_view text)
{
  return printable(text.substr(0, max_text));
}

Result<Json> parse_object(std::string_view body)
{
  Json out = TRY(codec::parse_json(body, answer_limits));
  if (!out.is_object()) return fail(Errc::malformed, "no JSON object");
  return out;
}

std::string text_of(const Json& object, std::string_view key)
{
  const auto text = object.get_string(key, "");
  return text ? shown(*text) : std::string{};
}

Problem problem_of(const Json& object)
{
  Problem out{text_of(object, "type"), text_of(object, "detail")};
  if (out.type.starts_with(urn)) out.type.erase(0, urn.size());
  const Json* parts = object.find("subproblems");
  constexpr std::size_t most = 3;
  if (parts == nullptr || !parts->is_array()) return out;
  for (std::size_t i = 0; i < std::min(parts->items().size(), most); ++i)
    if (const auto detail = text_of(parts->items()[i], "detail"); !detail.empty())
      out.detail += "; " + detail;
  return out;
}

std::optional<Problem> error_of(const Json& object)
{
  const Json* error = object.find("error");
  if (error == nullptr || !error->is_object()) return std::nullopt;
  return problem_of(*error);
}

Result<State> state_of(const Json& object)
{
  const std::string status = TRY(object.need_string("status"));
  for (const auto& [name, value] :
       {std::pair{"pending", State::pending}, std::pair{"ready", State::ready},
        std::pair{"processing", State::processing}, std::pair{"valid", State::valid},
        std::pair{"invalid", State::invalid}, std::pair{"deactivated", State::gone},
        std::pair{"expired", State::gone}, std::pair{"revoked", State::gone}})
    if (status == name) return value;
  return fail(Errc::malformed, "status \"{}\"", shown(status));
}

Result<std::string> need_url(const Json& object, std::string_view key, std::string_view directory)
{
  const std::string url = TRY(object.need_string(key));
  return server_url(url, directory).within("{}", key);
}

/// Empty when it is not there.
Result<std::string> get_url(const Json& object, std::string_view key, std::string_view directory)
{
  const std::string url = TRY(object.get_string(key, ""));
  if (url.empty()) return url;
  return server_url(url, directory).within("{}", key);
}

Result<std::string> dns_identifier(const Json& object)
{
  const std::string type = TRY(object.need_string("type"));
  if (type != "dns") return fail(Errc::unsupported, "identifier of type \"{}\"", shown(type));
  std::string value = lower(TRY(object.need_string("value")));
  constexpr std::size_t most = 255;
  const bool fine =
      !value.empty() && value.size() <= most &&
      std::all_of(value.begin(), value.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (!fine) return fail(Errc::malformed, "identifier \"{}\"", shown(value));
  return value;
}

std::optional<ChallengeKind> kind_of(std::string_view type)
{
  for (const ChallengeKind kind :
       {ChallengeKind::dns_01, ChallengeKind::http_01, ChallengeKind::tls_alpn_01})
    if (type == name_of(kind)) return kind;
  return std::nullopt;
}

Result<std::optional<Challenge>> parse_challenge(const Json& object, std::string_view directory)
{
  const std::string type = TRY(object.need_string("type"));
  const auto kind = kind_of(type);
  if (!kind) return std::optional<Challenge>{};
  Challenge out;
  out.kind = *kind;
  out.url = TRY(need_url(object, "url", directory));
  out.token = TRY(object.need_string("token"));
  // It becomes a path and part of a file's content: RFC 8555 8.1 allows this alphabet only.
  if (!is_token(out.token)) return fail(Errc::malformed, "token \"{}\"", shown(out.token));
  out.state = TRY(state_of(object));
  out.error = error_of(object);
  return std::optional{out};
}

/// "2025-01-02T04:00:00Z", "…00.123Z", "…00+00:00" (RFC 3339); other offsets are refused.
Result<Time> parse_rfc3339(std::string_view text)
{
  constexpr std::size_t seconds = 19;
  std::string_view rest = text.substr(std::min(seconds, text.size()));
  if (rest.starts_with('.')) {
    const auto end = rest.find_first_not_of("0123456789", 1);
    rest = end == std::string_view::npos ? "" : rest.substr(end);
  }
  if (rest != "Z" && rest != "z" && rest != "+00:00")
    return fail(Errc::malformed, "time \"{}\"", shown(text));
  const std::int64_t at = TRY(parse_utc(std::string{text.substr(0, seconds)} + "Z"));
  return Time{at * 1000};
}

/// "Sun, 06 Nov 1994 08:49:37 GMT": the one form that may be sent (RFC 9110 5.6.7).
std::optional<Time> parse_http_date(std::string_view text)
{
  constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
  constexpr std::size_t size = 29;
  if (text.size() != size || text.substr(3, 2) != ", " || !text.ends_with(" GMT"))
    return std::nullopt;
  const auto month = months.find(text.substr(8, 3));
  if (month == std::string_view::npos || month % 3 != 0) return std::nullopt;
  const auto at = parse_utc(fmt::format("{}-{:02}-{}T{}Z", text.substr(12, 4), month / 3 + 1,
                                        text.substr(5, 2), text.substr(17, 8)));
  if (!at) return std::nullopt;
  return Time{*at * 1000};
}

} // namespace

std::string Problem::text() const
{
  return type.empty() ? detail : fmt::format("{}: {}", type, detail);
}

Problem parse_problem(std::string_view body, int status)
{
  const auto object = parse_object(body);
  Problem out = object ? problem_of(*object) : Problem{};
  if (out.type.empty() && out.detail.empty()) out.detail = fmt::format("HTTP status {}", status);
  return out;
}

Result<std::string> server_url(std::string_view url, std::string_view directory_url)
{
  const bool https = url.starts_with("https://");
  if (!https && !url.starts_with("http://"))
    return fail(Errc::malformed, "\"{}\" is no http or https URL", shown(url));
  if (!https && directory_url.starts_with("https://"))
    return fail(Errc::untrusted, "{} would leave https", shown(url));
  const bool fine = url.size() <= max_url && std::all_of(url.begin(), url.end(), [](char c) {
                      return c > ' ' && c <= '~' && c != '"' && c != '\\';
                    });
  if (!fine) return fail(Errc::malformed, "\"{}\" is no URL", shown(url));
  return std::string{url};
}

Result<Directory> parse_directory(std::string_view body, std::string_view directory_url)
{
  const Json object = TRY(parse_object(body));
  Directory out;
  out.new_nonce = TRY(need_url(object, "newNonce", directory_url));
  out.new_account = TRY(need_url(object, "newAccount", directory_url));
  out.new_order = TRY(need_url(object, "newOrder", directory_url));
  out.renewal_info = TRY(get_url(object, "renewalInfo", directory_url));
  const Json* meta = object.find("meta");
  if (meta == nullptr || !meta->is_object()) return out;
  out.terms_of_service = text_of(*meta, "termsOfService");
  out.external_account_required = TRY(meta->get_bool("externalAccountRequired", false));
  const Json* identities = meta->find("caaIdentities");
  if (identities == nullptr || !identities->is_array()) return out;
  for (const Json& item : identities->items())
    if (item.is_string() && out.caa_identities.size() < max_identifiers)
      out.caa_identities.push_back(shown(item.text()));
  return out;
}

Result<Order> parse_order(std::string_view body, std::string_view directory_url)
{
  const Json object = TRY(parse_object(body));
  Order out;
  out.state = TRY(state_of(object));
  const Json* identifiers = TRY(object.need_array("identifiers"));
  const Json* authorizations = TRY(object.need_array("authorizations"));
  if (identifiers->items().size() > max_identifiers ||
      authorizations->items().size() > max_identifiers)
    return fail(Errc::malformed, "more than {} identifiers", max_identifiers);
  for (const Json& item : identifiers->items())
    out.names.push_back(TRY(dns_identifier(item)));
  for (const Json& item : authorizations->items()) {
    const std::string url = TRY(item.as_string());
    out.authorizations.push_back(TRY(server_url(url, directory_url)));
  }
  out.finalize = TRY(need_url(object, "finalize", directory_url));
  out.certificate = TRY(get_url(object, "certificate", directory_url));
  if (out.state == State::valid && out.certificate.empty())
    return fail(Errc::malformed, "a valid order without a certificate");
  out.error = error_of(object);
  return out;
}

std::string_view name_of(ChallengeKind kind)
{
  switch (kind) {
  case ChallengeKind::dns_01:
    return "dns-01";
  case ChallengeKind::http_01:
    return "http-01";
  case ChallengeKind::tls_alpn_01:
    return "tls-alpn-01";
  }
  bug("no such challenge");
}

Result<Authorization> parse_authorization(std::string_view body, std::string_view directory_url)
{
  const Json object = TRY(parse_object(body));
  Authorization out;
  const Json* identifier = TRY(object.need_object("identifier"));
  out.domain = TRY(dns_identifier(*identifier));
  out.wildcard = TRY(object.get_bool("wildcard", false));
  out.state = TRY(state_of(object));
  const Json* challenges = TRY(object.need_array("challenges"));
  if (challenges->items().size() > max_identifiers)
    return fail(Errc::malformed, "more than {} challenges", max_identifiers);
  for (const Json& item : challenges->items()) {
    auto challenge = TRY(parse_challenge(item, directory_url).within("challenge"));
    if (challenge) out.challenges.push_back(*std::move(challenge));
  }
  return out;
}

State account_state_of(std::string_view body)
{
  const auto object = parse_object(body);
  const auto status = object ? state_of(*object) : Result<State>{State::gone};
  return status ? *status : State::gone;
}

Result<RenewalInfo> parse_renewal_info(std::string_view body)
{
  const Json object = TRY(parse_object(body));
  const Json* window = TRY(object.need_object("suggestedWindow"));
  const std::string start = TRY(window->need_string("start"));
  const std::string end = TRY(window->need_string("end"));
  RenewalInfo out;
  out.start = TRY(parse_rfc3339(start).within("suggestedWindow"));
  out.end = TRY(parse_rfc3339(end).within("suggestedWindow"));
  if (out.end <= out.start) return fail(Errc::malformed, "suggestedWindow ends before it starts");
  return out;
}

std::optional<Time> retry_after(std::string_view value, Time now)
{
  constexpr std::int64_t year_ms = std::int64_t{366} * 86'400 * 1000;
  value = trim(value);
  std::optional<Time> at;
  if (const auto seconds = parse_u64(value))
    at = Time{now.ms + static_cast<std::int64_t>(
                           std::min(*seconds, static_cast<std::uint64_t>(year_ms / 1000))) *
                           1000};
  else
    at = parse_http_date(value);
  if (!at) return std::nullopt;
  return std::clamp(*at, now, Time{now.ms + year_ms});
}

} // namespace dstack::acme
