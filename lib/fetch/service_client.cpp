#include "fetch/service_client.hpp"

#include "base/text.hpp"
#include "fetch/service_url.hpp"

#include <algorithm>
#include <cerrno>
#include <poll.h>

namespace dstack::fetch {

namespace {

constexpr int max_tries = 3;
constexpr std::size_t max_answer = std::size_t{4} << 20U;
constexpr std::chrono::milliseconds first_pause{500};
constexpr std::chrono::milliseconds max_pause{20'000};

bool is_busy(int status)
{
  return status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

bool is_redirect(int status)
{
  return status >= 300 && status < 400 && status != 304;
}

Error redirect_refused(const ServiceRequest& request, const http::Response& answer)
{
  const std::string* location = answer.header("location");
  return fail(Errc::denied,
              "GET {}: {} redirects to {}; collateral is taken from that address only",
              printable(request.url), origin_of(request.url),
              location == nullptr ? "nowhere" : printable(*location));
}

Error refused(const ServiceRequest& request, const http::Response& answer)
{
  const std::string url = printable(request.url);
  if (is_redirect(answer.status)) return redirect_refused(request, answer);
  if (answer.status == 404) return fail(Errc::not_found, "GET {}: {}", url, request.missing);
  if (answer.status == 410)
    return fail(Errc::not_found,
                "GET {}: gone, the service no longer offers that evaluation number", url);
  if (answer.status == 401 || answer.status == 403)
    return fail(Errc::io, "GET {}: the service wants credentials ({})", url, answer.status);
  if (answer.status == 204)
    return fail(Errc::io, "GET {}: the service answered without content (204)", url);
  return fail(Errc::io, "GET {}: the service answered {}", url, answer.status);
}

} // namespace

Result<std::chrono::milliseconds>
pause_before_retry(const http::Response& busy, int tried, std::chrono::milliseconds left)
{
  std::chrono::milliseconds pause = first_pause * (1 << std::min(tried, 4));
  const std::string* wish = busy.header("retry-after");
  const bool in_seconds = wish != nullptr && !wish->empty() &&
                          wish->find_first_not_of("0123456789") == std::string::npos;
  if (in_seconds) { // a date is passed over: its clock is not ours
    constexpr std::uint64_t never = 1'000'000'000;
    const auto seconds = parse_u64(*wish);
    const auto limited = std::min(seconds ? *seconds : never, never);
    pause = std::chrono::seconds{static_cast<std::int64_t>(limited)};
  }
  const std::string why = in_seconds ? fmt::format(" and asks to wait {} s", printable(*wish)) : "";
  if (pause > max_pause)
    return fail(Errc::io, "the service is busy ({}){}, longer than {} s", busy.status, why,
                max_pause.count() / 1000);
  if (pause >= left)
    return fail(Errc::io, "the service is busy ({}){}, longer than the time left", busy.status,
                why);
  return pause;
}

Status ServiceClient::wait(std::chrono::milliseconds time) const
{
  pollfd stop{stop_.fd, POLLIN, 0}; // a negative descriptor is passed over
  const int ready = ::poll(&stop, 1, static_cast<int>(time.count()));
  if (ready == 0) return ok();
  return fail(Errc::io, "stopped while waiting for the service");
}

Result<http::Response> ServiceClient::get(const ServiceRequest& request,
                                          const sys::Deadline& deadline) const
{
  for (int tried = 0;; ++tried) {
    ClientLimits limits;
    limits.total = deadline.left();
    limits.max_body = max_answer;
    if (limits.total.count() == 0)
      return fail(Errc::timeout, "GET {}: no time left", printable(request.url));
    http::Response answer =
        TRY(client_.send({"GET", request.url, {{"Accept", request.accept}}, ""}, limits));
    if (answer.status == 200) return answer;
    if (!is_busy(answer.status)) return refused(request, answer);
    if (tried + 1 == max_tries)
      return fail(Errc::io, "GET {}: the service is busy ({}), asked {} times",
                  printable(request.url), answer.status, max_tries);
    const auto pause = TRY(pause_before_retry(answer, tried, deadline.left())
                               .within("GET {}", printable(request.url)));
    TRY(wait(pause).within("GET {}", printable(request.url)));
  }
}

} // namespace dstack::fetch
