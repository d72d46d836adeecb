#include "cli/control.hpp"

#include "base/text.hpp"
#include "net/local_http.hpp"
#include "sys/sockets.hpp"

namespace dstack::cli {

namespace {

constexpr std::chrono::milliseconds guest_deadline{15'000};

http::Request request_for(std::string method, std::string target, std::string body)
{
  http::Request request;
  request.method = std::move(method);
  request.target = std::move(target);
  request.body = std::move(body);
  if (!request.body.empty()) request.headers.push_back({"Content-Type", "application/json"});
  request.keep_alive = false;
  return request;
}

Errc code_named(std::string_view name)
{
  using enum Errc;
  for (const Errc code :
       {usage, config, io, timeout, not_found, malformed, unsupported, untrusted, denied})
    if (name_of(code) == name) return code;
  return internal;
}

} // namespace

Error control_error(const http::Response& response)
{
  const auto parsed = codec::parse_json(response.body);
  const codec::Json* error = parsed ? parsed->find("error") : nullptr;
  if (error == nullptr || !error->is_object())
    return fail(Errc::io, "the supervisor answered with HTTP status {}", response.status);
  const auto code = error->get_string("code", "io");
  const auto message = error->get_string("message", "");
  return Error{code_named(code ? *code : "internal"),
               printable(message ? *message : "an unreadable error")};
}

Result<codec::Json> Control::exchange(const http::Request& request,
                                      std::chrono::milliseconds deadline) const
{
  const sys::Fd fd = TRY(sys::connect_unix(paths_.control_socket()).within("supervisor"));
  net::LocalLimits limits;
  limits.deadline = deadline;
  const http::Response response =
      TRY(net::exchange(fd.get(), request, limits).within("supervisor"));
  if (response.status < 200 || response.status > 299) return control_error(response);
  if (trim(response.body).empty()) return codec::Json::object();
  return codec::parse_json(response.body).within("answer of the supervisor");
}

Result<codec::Json> Control::get(std::string target, std::chrono::milliseconds deadline) const
{
  return exchange(request_for("GET", std::move(target), ""), deadline);
}

Result<codec::Json>
Control::post(std::string target, const codec::Json& body, std::chrono::milliseconds deadline) const
{
  return exchange(request_for("POST", std::move(target), codec::write_json(body)), deadline);
}

Result<codec::Json> Control::guest(std::string_view method, const codec::Json& params) const
{
  return post(fmt::format("/v1/guest/{}", method), params, guest_deadline);
}

Status Control::stream(std::string target,
                       const std::function<Status(std::string_view)>& sink) const
{
  const sys::Fd fd = TRY(sys::connect_unix(paths_.control_socket()).within("supervisor"));
  const http::Response response =
      TRY(net::exchange_stream(fd.get(), request_for("GET", std::move(target), ""), {}, sink));
  if (response.status < 200 || response.status > 299) return control_error(response);
  return ok();
}

} // namespace dstack::cli
