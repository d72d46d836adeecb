#include "fetch/redirect.hpp"

#include "base/text.hpp"

namespace dstack::fetch {

namespace {

/// Scheme, host and port as written.
std::string origin_of(std::string_view url)
{
  const auto scheme = url.find("://");
  const auto start = scheme == std::string_view::npos ? 0 : scheme + 3;
  return lower(url.substr(0, url.find_first_of("/?#", start)));
}

bool is_secure(std::string_view url)
{
  return lower(url).starts_with("https://");
}

} // namespace

Result<ClientRequest> redirected(ClientRequest request, const std::string& next)
{
  if (is_secure(request.url) && !is_secure(next))
    return fail(Errc::denied, "{} {}: redirected from https to {}", request.method,
                printable(request.url), printable(next));
  if (origin_of(request.url) != origin_of(next))
    std::erase_if(request.headers, [](const http::Header& header) {
      return lower(header.name) == "authorization" || lower(header.name) == "cookie";
    });
  request.url = next;
  return request;
}

} // namespace dstack::fetch
