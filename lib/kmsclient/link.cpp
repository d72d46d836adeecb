#include "kmsclient/link.hpp"

#include "kmsclient/answers.hpp"
#include "net/resolve.hpp"
#include "sys/clock.hpp"

namespace dstack::kmsclient {

Result<net::TlsClient> connect(const Url& url,
                               net::TlsClientSettings settings,
                               const std::vector<std::string>& dns,
                               std::chrono::milliseconds deadline)
{
  const sys::Deadline until{deadline};
  settings.host = url.host;
  sys::Fd tcp = TRY(net::connect_host(url.host, url.port, dns, until.left()));
  return net::TlsClient::connect(std::move(tcp), settings, until.left());
}

Result<std::string>
ask(net::TlsClient& connection, const http::Request& request, const AskLimits& limits)
{
  constexpr int good = 200;
  net::LocalLimits local;
  local.deadline = limits.deadline;
  local.message.max_body_bytes = limits.max_answer;
  http::Response response = TRY(connection.exchange(request, local));
  if (response.status != good) return fail(Errc::denied, "{}", refusal_of(response));
  return std::move(response.body);
}

} // namespace dstack::kmsclient
