#include "fetch/proxy.hpp"

#include "base/text.hpp"

namespace dstack::fetch {

namespace {

std::string_view after_scheme(std::string_view url)
{
  const auto mark = url.find("://");
  return mark == std::string_view::npos ? url : url.substr(mark + 3);
}

std::string_view authority(std::string_view url)
{
  std::string_view rest = after_scheme(url);
  rest = rest.substr(0, rest.find_first_of("/?#"));
  const auto at = rest.rfind('@');
  return at == std::string_view::npos ? rest : rest.substr(at + 1);
}

/// no_proxy as curl(1) reads it: "*", or names separated by commas that match themselves and what
/// is below them.
bool is_exempt(const std::string& host, std::string_view no_proxy)
{
  if (trim(no_proxy) == "*") return true;
  for (const std::string_view piece : split(no_proxy, ',')) {
    std::string name = lower(trim(piece));
    if (name.starts_with('.')) name.erase(0, 1);
    if (name.empty()) continue;
    if (host == name || host.ends_with("." + name)) return true;
  }
  return false;
}

} // namespace

std::string host_of(std::string_view url)
{
  const std::string_view place = authority(url);
  if (place.starts_with('[')) return lower(place.substr(1, place.find(']') - 1));
  return lower(place.substr(0, place.find(':')));
}

std::string proxy_note(std::string_view url, const std::function<std::string(const char*)>& get)
{
  for (const char* exemption : {"no_proxy", "NO_PROXY"})
    if (is_exempt(host_of(url), get(exemption))) return "";
  const bool secure = lower(url).starts_with("https:");
  // Not HTTP_PROXY: a CGI client could set it, so libcurl does not read it.
  const char* const own[] = {secure ? "https_proxy" : "http_proxy", secure ? "HTTPS_PROXY" : "",
                             "all_proxy", "ALL_PROXY"};
  for (const char* name : own) {
    if (*name == '\0') continue;
    const std::string value = get(name);
    if (!value.empty())
      return fmt::format(" (through the proxy {} from {})", printable(authority(value)), name);
  }
  return "";
}

} // namespace dstack::fetch
