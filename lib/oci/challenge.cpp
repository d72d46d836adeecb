#include "oci/challenge.hpp"

#include "base/text.hpp"

namespace dstack::oci {

namespace {

constexpr std::size_t max_header = 4096;

std::string escape(std::string_view text)
{
  constexpr std::string_view plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/:,";
  std::string out;
  for (const char c : text) {
    if (plain.find(c) != std::string_view::npos)
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

/// Takes name="value" off the front.
Result<std::pair<std::string, std::string>> take_parameter(std::string_view& rest)
{
  const auto equals = rest.find("=\"");
  const auto end = equals == std::string_view::npos ? equals : rest.find('"', equals + 2);
  if (end == std::string_view::npos)
    return fail(Errc::malformed, "registry's challenge: not name=\"value\"");
  std::pair<std::string, std::string> out{lower(trim(rest.substr(0, equals))),
                                          std::string{rest.substr(equals + 2, end - equals - 2)}};
  rest.remove_prefix(end + 1);
  rest = trim(rest);
  if (rest.starts_with(',')) rest = trim(rest.substr(1));
  return out;
}

} // namespace

Result<TokenChallenge> parse_challenge(std::string_view header)
{
  constexpr std::string_view scheme = "bearer ";
  if (header.size() > max_header || !lower(header).starts_with(scheme))
    return fail(Errc::unsupported, "registry asks for '{}' (want Bearer)",
                printable(header.substr(0, 40)));
  std::string_view rest = trim(header.substr(scheme.size()));
  TokenChallenge out;
  while (!rest.empty()) {
    auto [name, value] = TRY(take_parameter(rest));
    if (name == "realm") out.realm = value;
    if (name == "service") out.service = value;
    if (name == "scope") out.scope = value;
  }
  if (out.realm.empty()) return fail(Errc::malformed, "registry's challenge names no realm");
  return out;
}

Result<std::string> token_url(const TokenChallenge& challenge, std::string_view fallback_scope)
{
  const bool loopback = challenge.realm.starts_with("http://127.0.0.1:") ||
                        challenge.realm.starts_with("http://localhost:");
  // "http://127.0.0.1:x@elsewhere/" would name another host.
  if (challenge.realm.find('@') != std::string::npos)
    return fail(Errc::untrusted, "registry's token service '{}' carries a login",
                printable(challenge.realm));
  if (!challenge.realm.starts_with("https://") && !loopback)
    return fail(Errc::untrusted, "registry's token service '{}' is not https",
                printable(challenge.realm));
  const std::string_view scope =
      challenge.scope.empty() ? fallback_scope : std::string_view{challenge.scope};
  const char separator = challenge.realm.find('?') == std::string::npos ? '?' : '&';
  return fmt::format("{}{}service={}&scope={}", challenge.realm, separator,
                     escape(challenge.service), escape(scope));
}

} // namespace dstack::oci
