#include "guestsite/site.hpp"

#include "guestapi/log_frames.hpp"
#include "guestapi/metrics.hpp"
#include "sys/clock.hpp"

#include <optional>

namespace dstack::guestsite {

namespace {

using guestapi::PageFacts;
using guestapi::SystemInfo;

constexpr std::string_view logs_prefix = "/logs/";
constexpr std::size_t max_container_name = 512;
/// Nothing here takes more than a name. Anybody may hold one in each connection.
constexpr std::size_t max_request = std::size_t{64} << 10U;
constexpr const char* plain_text = "text/plain; charset=utf-8";

/// What every answer carries, whatever it is.
http::Response dressed(const ExternalSite& site, http::Response response)
{
  response.headers.push_back({"X-App-Version", site.version_header});
  response.headers.push_back({"X-Content-Type-Options", "nosniff"});
  response.headers.push_back({"Referrer-Policy", "no-referrer"});
  response.headers.push_back({"Cache-Control", "no-store"});
  return response;
}

http::Response plain(int status, std::string body)
{
  return {status, {{"Content-Type", plain_text}}, std::move(body)};
}

http::Response wrong_verb(std::string_view allowed)
{
  http::Response out = plain(405, "method not allowed\n");
  out.headers.push_back({"Allow", std::string{allowed}});
  return out;
}

/// The reason stays inside: it may name files and keys.
http::Response unavailable()
{
  return plain(500, "the VM cannot answer this now\n");
}

bool is_read(const http::Request& request)
{
  return request.method == "GET" || request.method == "HEAD";
}

Result<std::optional<SystemInfo>> public_system(const ExternalSite& site)
{
  if (!site.public_sysinfo || !site.system) return std::optional<SystemInfo>{};
  return std::optional{TRY(site.system())};
}

http::Response page(const ExternalSite& site, const PageFacts& facts)
{
  const auto system = public_system(site);
  if (!system) return unavailable();
  const auto links = site.public_logs ? guestapi::LogLinks::yes : guestapi::LogLinks::no;
  return {200, guestapi::page_headers(), guestapi::render_page(facts, *system, links)};
}

void serve_page(const ExternalSite& site, const net::Responder& to)
{
  auto facts = site.facts();
  if (!facts) return to.send(dressed(site, unavailable()));
  if (!site.containers) return to.send(dressed(site, page(site, *facts)));
  site.containers([&site, to, known = *std::move(facts)](Containers listed) mutable {
    if (listed)
      known.containers = *std::move(listed);
    else
      known.containers_problem = listed.error().message();
    to.send(dressed(site, page(site, known)));
  });
}

void serve_metrics(const ExternalSite& site, const net::Responder& to)
{
  const auto system = site.system();
  if (!system) return to.send(dressed(site, unavailable()));
  const std::string type{guestapi::metrics_content_type};
  to.send(dressed(site, {200, {{"Content-Type", type}}, guestapi::render_metrics(*system)}));
}

/// The name in /logs/<name>: in a path '+' is only itself.
std::optional<std::string> container_name(std::string_view segment)
{
  if (segment.empty() || segment.find('/') != std::string_view::npos) return std::nullopt;
  std::string out;
  for (std::size_t i = 0; i < segment.size(); ++i) {
    if (segment[i] != '%') {
      out.push_back(segment[i]);
      continue;
    }
    const auto byte = parse_hex(segment.substr(i + 1, 2));
    if (!byte || byte->size() != 1) return std::nullopt;
    out.push_back(static_cast<char>(byte->front()));
    i += 2;
  }
  if (out.size() > max_container_name) return std::nullopt;
  return out;
}

/// Whatever goes wrong from here on is said in the stream (spec guest 4).
void serve_logs(const ExternalSite& site, const http::Request& request, const net::Responder& to)
{
  const auto name = container_name(request.path().substr(logs_prefix.size()));
  if (!name) return to.send(dressed(site, plain(404, "no such path\n")));
  const auto query = guestapi::parse_log_query(request.query(), sys::now());
  if (!query)
    return to.send(dressed(site, plain(200, guestapi::log_error(query.error().message()))));
  if (!site.logs)
    return to.send(dressed(site, plain(200, guestapi::log_error("there are no containers here"))));
  to.stream_start(dressed(site, plain(200, "")));
  site.logs(*name, *query, to);
}

} // namespace

void serve_external(const ExternalSite& site,
                    const http::Request& request,
                    const net::Responder& to)
{
  const std::string_view path = request.path();
  if (path.starts_with(site.worker.mount) && site.worker.mount.size() > 1) {
    const bool verb = request.method == "GET" || request.method == "POST";
    return to.send(
        dressed(site, verb ? rpc::answer(site.worker, request) : wrong_verb("GET, POST")));
  }
  if (path == "/")
    return is_read(request) ? serve_page(site, to)
                            : to.send(dressed(site, wrong_verb("GET, HEAD")));
  if (path == "/metrics" && site.public_sysinfo && site.system)
    return is_read(request) ? serve_metrics(site, to)
                            : to.send(dressed(site, wrong_verb("GET, HEAD")));
  if (path.starts_with(logs_prefix) && site.public_logs)
    return request.method == "GET" ? serve_logs(site, request, to)
                                   : to.send(dressed(site, wrong_verb("GET")));
  to.send(dressed(site, plain(404, "no such path\n")));
}

Result<std::unique_ptr<net::HttpServer>>
serve_external_port(sys::Loop& loop, const ExternalSite& site, sys::Fd listener)
{
  net::ServerLimits limits;
  limits.max_connections = 64;
  limits.message.max_body_bytes = max_request;
  // Log producers wait long before that; but one read of dockerd (64 KiB) may become 40 times as
  // much when it is a terminal's empty lines.
  limits.max_unsent = std::size_t{4} << 20U;
  auto server = std::make_unique<net::HttpServer>(
      loop, limits, [&site](const http::Request& request, const net::Responder& to) {
        serve_external(site, request, to);
      });
  TRY(server->serve(std::move(listener)));
  return server;
}

} // namespace dstack::guestsite
