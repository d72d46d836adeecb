#include "agents/vm/control_api.hpp"

#include "base/text.hpp"
#include "sys/sockets.hpp"

#include <algorithm>
#include <array>

namespace dstack::supervisor {

using codec::Json;
using std::chrono::milliseconds;

namespace {

constexpr unsigned owner_only = 0600;
constexpr std::uint64_t default_timeout_ms = 30'000;
constexpr std::uint64_t max_timeout_ms = 3'600'000;
constexpr milliseconds guest_deadline{30'000};
constexpr std::string_view guest_prefix = "/v1/guest/";

http::Response json_response(int status, const Json& body)
{
  return {status, {{"Content-Type", "application/json"}}, codec::write_json(body) + "\n"};
}

int http_status(Errc code)
{
  switch (code) {
  case Errc::usage:
  case Errc::config:
  case Errc::malformed:
  case Errc::unsupported:
    return 400;
  case Errc::denied:
  case Errc::untrusted:
    return 403;
  case Errc::not_found:
    return 404;
  case Errc::timeout:
    return 504;
  case Errc::io:
  case Errc::internal:
    return 500;
  }
  bug("error code without an HTTP status");
}

http::Response error_response(const Error& error)
{
  Json body;
  body.set("code", name_of(error.code())).set("message", printable(error.message()));
  return json_response(http_status(error.code()), Json{}.set("error", std::move(body)));
}

Result<Json> body_of(const http::Request& request)
{
  if (trim(request.body).empty()) return Json::object();
  Json body = TRY(codec::parse_json(request.body).within("body"));
  if (!body.is_object()) return fail(Errc::malformed, "body: not an object");
  return body;
}

Result<milliseconds> timeout_of(const http::Request& request)
{
  const Json body = TRY(body_of(request));
  const std::uint64_t ms = TRY(body.get_u64("timeout_ms", default_timeout_ms));
  if (ms > max_timeout_ms) return fail(Errc::malformed, "timeout_ms: {} is too long", ms);
  return milliseconds{ms};
}

/// Logs of a container may come faster than a terminal shows them.
net::ServerLimits limits()
{
  net::ServerLimits out;
  out.max_unsent = std::size_t{64} << 20U;
  return out;
}

bool is_on(std::string_view value)
{
  return value == "1" || value == "true";
}

/// The query as parameters of the guest's Logs; unknown keys are refused.
Result<Json> log_parameters(std::string_view query)
{
  Json params = Json::object();
  for (const http::Header& entry : TRY(http::parse_query(query))) {
    if (entry.name == "follow" || entry.name == "timestamps")
      params.set(entry.name, is_on(entry.value));
    else if (entry.name == "container" || entry.name == "tail" || entry.name == "since")
      params.set(entry.name, entry.value);
    else
      return fail(Errc::malformed, "unknown parameter '{}'", printable(entry.name));
  }
  return params;
}

/// The state of one log stream, shared by its callbacks.
struct LogStream {
  net::Responder to;
  bool started = false;

  bool piece(ByteView data)
  {
    if (!std::exchange(started, true))
      to.stream_start({200, {{"Content-Type", "text/plain; charset=utf-8"}}, ""});
    return to.stream_piece(as_text(data));
  }
  void end(const Result<Json>& answer)
  {
    if (!answer && !started) return to.send(error_response(answer.error()));
    if (!answer)
      piece(
          as_bytes(fmt::format("\n(the stream broke: {})\n", printable(answer.error().message()))));
    else if (!started)
      piece({});
    to.stream_finish();
  }
};

} // namespace

Result<std::unique_ptr<ControlApi>>
ControlApi::serve(sys::Loop& loop, Supervisor& supervisor, const std::filesystem::path& socket)
{
  sys::Fd listener = TRY(sys::listen_unix(socket, owner_only).within("control socket"));
  std::unique_ptr<ControlApi> api{new ControlApi{loop, supervisor, socket}};
  TRY(api->server_.serve(std::move(listener)));
  return api;
}

ControlApi::ControlApi(sys::Loop& loop, Supervisor& supervisor, std::filesystem::path socket)
    : loop_(loop), supervisor_(supervisor), socket_(std::move(socket)),
      server_(loop, limits(), [this](const http::Request& r, const net::Responder& to) {
        handle(r, to);
      })
{
}

ControlApi::~ControlApi()
{
  std::error_code ignored;
  std::filesystem::remove(socket_, ignored);
}

void ControlApi::handle(const http::Request& request, const net::Responder& to)
{
  using Member = void (ControlApi::*)(const http::Request&, const net::Responder&);
  struct Route {
    std::string_view method;
    std::string_view path;
    Member member;
  };
  static constexpr std::array routes{Route{"POST", "/v1/stop", &ControlApi::stop},
                                     Route{"POST", "/v1/restart", &ControlApi::restart},
                                     Route{"GET", "/v1/events", &ControlApi::events},
                                     Route{"GET", "/v1/logs", &ControlApi::logs}};
  const std::string_view path = request.path();
  if (request.method == "GET" && path == "/v1/status") return to.send(status());
  if (request.method == "POST" && path.starts_with(guest_prefix)) return guest(request, to);
  const auto at = std::find_if(routes.begin(), routes.end(), [&](const Route& route) {
    return route.method == request.method && route.path == path;
  });
  if (at != routes.end()) return (this->*at->member)(request, to);
  to.send(error_response(
      fail(Errc::not_found, "nothing at {} {}", printable(request.method), printable(path))));
}

http::Response ControlApi::status() const
{
  const store::VmSpec& spec = supervisor_.spec();
  Json summary;
  summary.set("id", spec.id).set("name", spec.name).set("image", spec.image.name);
  summary.set("tee", store::name_of(spec.tee)).set("compose_hash", spec.app.compose_hash);
  Json ports = Json::array();
  for (const auto& port : spec.ports)
    ports.push(store::to_json(port));
  Json body = store::to_json(supervisor_.state());
  return json_response(200, body.set("spec", summary.set("ports", std::move(ports))));
}

void ControlApi::stop(const http::Request& request, const net::Responder& to)
{
  const auto timeout = timeout_of(request);
  if (!timeout) return to.send(error_response(timeout.error()));
  supervisor_.stop(*timeout, [this, to](const Status&) { to.send(status()); });
}

void ControlApi::restart(const http::Request& request, const net::Responder& to)
{
  const auto timeout = timeout_of(request);
  if (!timeout) return to.send(error_response(timeout.error()));
  supervisor_.restart(*timeout, [this, to](const Status& started) {
    to.send(started ? status() : error_response(started.error()));
  });
}

void ControlApi::events(const http::Request& request, const net::Responder& to)
{
  const auto query = http::parse_query(request.query());
  if (!query) return to.send(error_response(query.error()));
  for (const http::Header& entry : *query)
    if (entry.name == "follow" && is_on(entry.value)) return supervisor_.events().follow(to);
  const auto history = supervisor_.events().history();
  if (!history) return to.send(error_response(history.error()));
  to.send({200, {{"Content-Type", "application/jsonl"}}, *history});
}

void ControlApi::logs(const http::Request& request, const net::Responder& to)
{
  auto params = log_parameters(request.query());
  if (!params) return to.send(error_response(params.error()));
  GuestLink* link = supervisor_.guest();
  if (link == nullptr) return to.send(error_response(fail(Errc::io, "the VM does not run")));
  const auto stream = std::make_shared<LogStream>(LogStream{to});
  const auto id = std::make_shared<std::uint64_t>(0);
  const auto give_up = [this, id] {
    if (GuestLink* now = supervisor_.guest()) now->cancel(*id);
  };
  *id = link->stream_call(
      "Logs", std::move(*params), [stream](const Result<Json>& answer) { stream->end(answer); },
      [stream, give_up](ByteView data) {
        if (!stream->piece(data)) give_up();
      });
  if (*id != 0) to.on_gone(give_up);
}

void ControlApi::guest(const http::Request& request, const net::Responder& to)
{
  const std::string method{request.path().substr(guest_prefix.size())};
  const bool plain = !method.empty() && std::all_of(method.begin(), method.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
  if (!plain || method == "Shutdown" || method == "Logs")
    return to.send(error_response(fail(Errc::not_found, "no guest method {}", printable(method))));
  auto params = body_of(request);
  if (!params) return to.send(error_response(params.error()));
  GuestLink* link = supervisor_.guest();
  if (link == nullptr) return to.send(error_response(fail(Errc::io, "the VM does not run")));
  const auto timer = std::make_shared<sys::Loop::TimerId>(0);
  const auto id = link->stream_call(
      method, std::move(*params),
      [this, to, timer](const Result<Json>& answer) {
        loop_.cancel(*timer);
        to.send(answer ? json_response(200, *answer) : error_response(answer.error()));
      },
      nullptr);
  if (id == 0) return;
  *timer = loop_.after(guest_deadline, [this, to, id, method] {
    if (GuestLink* now = supervisor_.guest()) now->cancel(id);
    to.send(error_response(fail(Errc::timeout, "the guest did not answer {} in time", method)));
  });
}

} // namespace dstack::supervisor
