#include "agents/gateway/server.hpp"

#include "agents/gateway/listening.hpp"
#include "sys/sockets.hpp"

namespace dstack::gatewaynode {

namespace {

constexpr std::size_t max_request = std::size_t{256} << 10U; // the largest is a port policy
constexpr std::size_t max_connections = 4096;
constexpr std::size_t max_per_address = 256;

net::ServerLimits server_limits()
{
  net::ServerLimits out;
  out.max_connections = max_connections;
  out.max_per_address = max_per_address;
  out.message.max_body_bytes = max_request;
  return out;
}

} // namespace

Server::Server(sys::Loop& loop, Node& node)
    : node_(node),
      http_(std::make_unique<net::HttpServer>(
          loop, server_limits(), [this](const http::Request& request, const net::Responder& to) {
            handle(request, to);
          }))
{
}

Status Server::listen()
{
  const route::Endpoint where = TRY(route::parse_endpoint(node_.settings().listen));
  sys::Fd listener =
      TRY(sys::listen_tcp(where.address.text(), where.port).within("listen for registrations"));
  const std::uint16_t port = TRY(sys::local_port(listener.get()));
  url_ = "https://" + route::Endpoint{where.address, port}.text();
  return http_->serve_tls(std::move(listener), [this] { return node_.tls(); });
}

void Server::send(const net::Responder& to, http::Response response) const
{
  response.headers.push_back({"X-App-Version", fmt::format("v{}", DSTACK_VERSION)});
  to.send(std::move(response));
}

void Server::handle(const http::Request& request, const net::Responder& to)
{
  if (request.path() == "/health" && (request.method == "GET" || request.method == "HEAD"))
    return send(to, draining_ ? plain(503, "stopping\n") : plain(200, "OK"));
  if (gateway::gateway_method(request).empty())
    return send(to, rpc::refusal(request, 404, "no such path"));
  if (draining_) return send(to, rpc::refusal(request, 503, "the gateway is stopping"));
  rpc(request, to);
}

void Server::rpc(const http::Request& request, const net::Responder& to)
{
  const auto claim = gateway::read_claim(to.peer().certificate);
  if (!claim) return answer(request, to, claim.error());
  if (!claim->evidence) return answer(request, to, gateway::identify(*claim, {}));
  using Answer = Result<gateway::Caller>;
  const auto caller = std::make_shared<Answer>(fail(Errc::internal, "not asked"));
  const auto work = [caller, claim = *claim, prove = node_.prover()] {
    *caller = gateway::identify(claim, prove);
  };
  if (!node_.workers().run(work, [=, this] { answer(request, to, *caller); }))
    send(to, rpc::refusal(request, 503, "the gateway is busy: try again soon"));
}

void Server::answer(const http::Request& request,
                    const net::Responder& to,
                    const Result<gateway::Caller>& caller)
{
  if (!caller) {
    ++node_.counters().evidence_refused;
    node_.log().warning("rpc", caller.error().message(), {{"peer", to.peer().address}});
    return send(to, rpc::refusal(request, 400, caller.error().message()));
  }
  const auto service = gateway::gateway_service(node_.outside(), *caller);
  rpc::answer(service, request,
              [to, this](http::Response response) { send(to, std::move(response)); });
}

} // namespace dstack::gatewaynode
