#include "fetch/redirect.hpp"

#include "base/text.hpp"
#include "fetch/service_url.hpp"

namespace dstack::fetch {

namespace {

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
