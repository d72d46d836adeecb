#include "fetch/service_url.hpp"

#include "base/text.hpp"
#include "fetch/proxy.hpp"

#include <array>

namespace dstack::fetch {

namespace {

constexpr std::size_t max_base = 512;
constexpr std::string_view allowed =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/[]";
constexpr std::array<std::string_view, 3> interfaces{"/sgx/certification/v4",
                                                     "/tdx/certification/v4", "/vcek/v1"};

std::string_view without_slashes(std::string_view text)
{
  while (text.ends_with('/'))
    text.remove_suffix(1);
  return text;
}

std::string_view without_interface(std::string_view text)
{
  text = without_slashes(text);
  for (const std::string_view interface : interfaces)
    if (text.ends_with(interface)) text.remove_suffix(interface.size());
  return without_slashes(text);
}

} // namespace

bool is_loopback(std::string_view host)
{
  const bool numeric = host.find_first_not_of("0123456789.") == std::string_view::npos;
  return host == "localhost" || host == "::1" || (numeric && host.starts_with("127."));
}

std::string origin_of(std::string_view url)
{
  const auto scheme = url.find("://");
  const auto start = scheme == std::string_view::npos ? 0 : scheme + 3;
  return lower(url.substr(0, url.find_first_of("/?#", start)));
}

Result<std::string> service_base(std::string_view text)
{
  if (text.find('@') != std::string_view::npos) // not shown: it may hold a password
    return fail(Errc::config, "a service address with a user name in it");
  const std::string shown = printable(text.substr(0, max_base));
  if (text.size() > max_base || text.find_first_not_of(allowed) != std::string_view::npos)
    return fail(Errc::config, "'{}' is no plain service address such as https://host:8081", shown);
  const std::string_view base = without_interface(text);
  const std::string scheme = lower(base.substr(0, base.find(':')));
  const std::string host = host_of(base);
  if ((scheme != "https" && scheme != "http") || host.empty() ||
      !lower(base).starts_with(scheme + "://"))
    return fail(Errc::config, "'{}' is no http or https address", shown);
  if (scheme == "http" && !is_loopback(host))
    return fail(Errc::config, "'{}': plain http is allowed for this machine only, use https",
                shown);
  return std::string{base};
}

} // namespace dstack::fetch
