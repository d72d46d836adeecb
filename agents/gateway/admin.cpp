#include "agents/gateway/admin.hpp"

#include "agents/gateway/listening.hpp"
#include "gateway/metrics.hpp"
#include "gateway/page.hpp"
#include "sys/secret_files.hpp"
#include "sys/sockets.hpp"

namespace dstack::gatewaynode {

namespace {

constexpr std::size_t max_admin_request = std::size_t{1} << 20U;

net::ServerLimits admin_limits()
{
  net::ServerLimits out;
  out.message.max_body_bytes = max_admin_request;
  return out;
}

/// "/prpc/X" and "/X" are the same (spec gateway 1).
http::Request below_prpc(http::Request request)
{
  constexpr std::string_view mount = "/prpc/";
  if (!request.path().starts_with(mount) && request.target.starts_with('/'))
    request.target = fmt::format("{}{}", mount, std::string_view{request.target}.substr(1));
  return request;
}

} // namespace

Admin::Admin(sys::Loop& loop, Node& node)
    : loop_(loop), node_(node), service_(gateway::admin_service(node.admin_outside()))
{
}

Status Admin::listen()
{
  socket_ = std::make_unique<net::HttpServer>(
      loop_, admin_limits(),
      [this](const http::Request& request, const net::Responder& to) { handle(request, to); });
  const sys::fs::path path = node_.below(node_.settings().admin_socket);
  TRY(socket_->serve(TRY(sys::listen_unix(path, owner_only).within("admin socket"))));
  return node_.settings().admin.listen.empty() ? Status{ok()} : listen_tcp().within("[admin]");
}

Status Admin::listen_tcp()
{
  token_ = TRY(sys::read_passphrase(node_.below(node_.settings().admin.token_file)));
  const route::Endpoint where = TRY(route::parse_endpoint(node_.settings().admin.listen));
  sys::Fd listener = TRY(sys::listen_tcp(where.address.text(), where.port));
  const std::uint16_t port = TRY(sys::local_port(listener.get()));
  address_ = route::Endpoint{where.address, port}.text();
  node_.log().info("admin", "listening", {{"address", address_}});
  tcp_ = std::make_unique<net::HttpServer>(
      loop_, admin_limits(),
      [this](const http::Request& request, const net::Responder& to) { guarded(request, to); });
  return tcp_->serve(std::move(listener));
}

void Admin::guarded(const http::Request& request, const net::Responder& to)
{
  if (gateway::admin_access(request, as_text(token_.view())) == gateway::Access::granted)
    return handle(request, to);
  to.send(gateway::admin_refusal());
}

void Admin::handle(const http::Request& request, const net::Responder& to)
{
  if (request.path() == "/metrics" && request.method == "GET")
    return to.send({200,
                    {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}},
                    gateway::metrics_text(node_.view())});
  if (request.path() == "/" && request.method == "GET")
    return to.send(gateway::admin_page(node_.view()));
  rpc::answer(service_, below_prpc(request),
              [to](http::Response response) { to.send(std::move(response)); });
}

} // namespace dstack::gatewaynode
