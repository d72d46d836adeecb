#include "agents/gateway/pages.hpp"

#include "agents/gateway/listening.hpp"
#include "codec/json_list.hpp"
#include "sys/sockets.hpp"

namespace dstack::gatewaynode {

namespace {

using codec::Json;

constexpr std::size_t max_page_connections = 256;
constexpr std::size_t max_page_request = 16 * 1024;
constexpr std::int64_t info_lasts_ms = 10'000;

net::ServerLimits page_limits()
{
  net::ServerLimits out;
  out.max_connections = max_page_connections;
  out.message.max_body_bytes = max_page_request;
  return out;
}

http::Response json(std::string body)
{
  return {200, {{"Content-Type", "application/json"}}, std::move(body)};
}

std::string index()
{
  return write_json(Json{}
                        .set("type", "dstack gateway")
                        .set("paths", codec::list_of(std::vector<std::string>{"/index", "/app-info",
                                                                              "/acme-info"})));
}

bool is_for(const http::Request& request, std::string_view label)
{
  const std::string* host = request.header("Host");
  return host != nullptr && lower(*host).starts_with(fmt::format("{}.", label));
}

} // namespace

Pages::Pages(sys::Loop& loop, Node& node)
    : node_(node),
      http_(std::make_unique<net::HttpServer>(
          loop, page_limits(), [this](const http::Request& request, const net::Responder& to) {
            handle(request, to);
          }))
{
}

Status Pages::listen()
{
  return http_->serve(
      TRY(sys::listen_unix(node_.below(pages_socket_name), owner_only).within("built-in pages")));
}

void Pages::handle(const http::Request& request, const net::Responder& to)
{
  std::string_view path = request.path();
  if (request.method != "GET" && request.method != "HEAD") return to.send(plain(405, "GET only\n"));
  if (is_for(request, "health")) return to.send(path == "/" ? plain(200, "") : plain(404, ""));
  constexpr std::string_view prefix = "/.dstack";
  if (path.starts_with(prefix)) path.remove_prefix(prefix.size());
  if (path == "/health") return to.send(plain(200, ""));
  if (path == "/index") return to.send(json(index()));
  if (path == "/acme-info") return to.send(json(write_json(node_.outside().acme_info())));
  if (path == "/app-info") return app_info(to);
  to.send(plain(404, "no such page\n"));
}

void Pages::app_info(const net::Responder& to)
{
  if (!app_info_.empty() && sys::monotonic_ms() - app_info_at_ms_ < info_lasts_ms)
    return to.send(json(app_info_));
  using Answer = Result<Json>;
  const auto answer = std::make_shared<Answer>(fail(Errc::internal, "not asked"));
  const auto work = [answer, agent = node_.agent()] {
    *answer = agent.ask("Info", Json::object());
  };
  const auto done = [this, answer, to] {
    if (!*answer) return to.send(plain(502, "the guest agent does not answer\n"));
    app_info_ = write_json(**answer);
    app_info_at_ms_ = sys::monotonic_ms();
    to.send(json(app_info_));
  };
  if (!node_.workers().run(work, done)) to.send(plain(503, "busy: try again soon\n"));
}

} // namespace dstack::gatewaynode
