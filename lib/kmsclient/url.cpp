#include "kmsclient/url.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <limits>

namespace dstack::kmsclient {

namespace {

constexpr std::string_view scheme = "https://";
constexpr std::string_view service = "/prpc";

bool is_plain(char c)
{
  return c > ' ' && c < 0x7f && c != '"' && c != '\\' && c != '<' && c != '>';
}

bool in_host(char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_' || c == ':';
}

/// "host", "host:port" or "[address]:port".
Status read_authority(std::string_view authority, Url& out)
{
  std::string_view port;
  std::string_view host = authority;
  if (authority.starts_with('[')) {
    const auto close = authority.find(']');
    if (close == std::string_view::npos) return fail(Errc::malformed, "'[' without ']'");
    host = authority.substr(1, close - 1);
    port = authority.substr(close + 1);
    if (!port.empty() && !port.starts_with(':'))
      return fail(Errc::malformed, "'{}' behind the address", port);
    if (!port.empty()) port.remove_prefix(1);
    if (authority.size() > close + 1 && port.empty()) return fail(Errc::malformed, "no port");
  } else if (const auto colon = authority.find(':'); colon != std::string_view::npos) {
    host = authority.substr(0, colon);
    port = authority.substr(colon + 1);
    if (port.empty() || port.find(':') != std::string_view::npos)
      return fail(Errc::malformed, "'{}' is no host and port", authority);
  }
  if (host.empty() || !std::all_of(host.begin(), host.end(), in_host))
    return fail(Errc::malformed, "'{}' is no host", host);
  out.host = host;
  if (port.empty()) return ok();
  const std::uint64_t number = TRY(parse_u64(port).within("port"));
  if (number == 0 || number > std::numeric_limits<std::uint16_t>::max())
    return fail(Errc::malformed, "port {}", number);
  out.port = static_cast<std::uint16_t>(number);
  return ok();
}

Result<Url> read_url(std::string_view text, std::string_view whose)
{
  if (text.size() > max_url)
    return fail(Errc::malformed, "{} bytes (limit {})", text.size(), max_url);
  if (!std::all_of(text.begin(), text.end(), is_plain))
    return fail(Errc::malformed, "a character that no URL has");
  if (!text.starts_with(scheme))
    return fail(Errc::malformed, "a {} is asked over https only", whose);
  if (text.find_first_of("?#@") != std::string_view::npos)
    return fail(Errc::malformed, "only https://HOST[:PORT][/PATH] is asked");
  // However often they stand there: what is kept is read again later.
  while (text.size() > scheme.size() && (text.ends_with('/') || text.ends_with(service)))
    text.remove_suffix(text.ends_with('/') ? 1 : service.size());
  Url out;
  out.text = text;
  if (!text.starts_with(scheme)) return fail(Errc::malformed, "no host");
  const std::string_view rest = text.substr(scheme.size());
  const auto slash = rest.find('/');
  TRY(read_authority(rest.substr(0, slash), out));
  if (slash != std::string_view::npos) out.path = rest.substr(slash);
  return out;
}

} // namespace

Result<Url> parse_url(std::string_view text, std::string_view whose)
{
  return read_url(text, whose).within("{} URL '{}'", whose, printable(text.substr(0, max_url)));
}

Result<std::vector<Url>> parse_urls(const std::vector<std::string>& texts, std::string_view whose)
{
  if (texts.empty()) return fail(Errc::config, "No {} URLs are set", whose);
  if (texts.size() > max_urls)
    return fail(Errc::malformed, "{} {} URLs (limit {})", texts.size(), whose, max_urls);
  std::vector<Url> out;
  for (const std::string& text : texts)
    out.push_back(TRY(parse_url(text, whose)));
  return out;
}

} // namespace dstack::kmsclient
