#include "cli/admin.hpp"

#include "base/text.hpp"
#include "net/local_http.hpp"

namespace dstack::cli {

Result<codec::Json> ask_admin(int socket,
                              std::string_view agent,
                              std::string_view method,
                              const codec::Json& params,
                              std::chrono::milliseconds deadline)
{
  http::Request request;
  request.method = "POST";
  request.target = fmt::format("/prpc/Admin.{}?json", method);
  request.body = codec::write_json(params);
  request.keep_alive = false;
  net::LocalLimits limits;
  limits.deadline = deadline;
  const auto answer = TRY(net::exchange(socket, request, limits).within("{}", agent));
  const codec::Json body = TRY(codec::parse_json(answer.body).within("answer of the {}", agent));
  constexpr int good = 200;
  if (answer.status == good) return body;
  return fail(Errc::denied, "{}", printable(TRY(body.get_string("error", "no reason given"))));
}

} // namespace dstack::cli
