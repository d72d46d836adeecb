#pragma once
/// The listener for VMs: registration and what anybody may ask, over HTTPS with client certificates
/// of the KMS (spec gateway 1, 2).

#include "agents/gateway/node.hpp"
#include "net/http_server.hpp"

namespace dstack::gatewaynode {

class Server {
public:
  Server(sys::Loop& loop, Node& node);
  /// On the settings' address.
  Status listen();
  const std::string& url() const { return url_; }
  void drain() { draining_ = true; }

private:
  void handle(const http::Request& request, const net::Responder& to);
  void rpc(const http::Request& request, const net::Responder& to);
  void answer(const http::Request& request,
              const net::Responder& to,
              const Result<gateway::Caller>& caller);
  void send(const net::Responder& to, http::Response response) const;

  Node& node_;
  std::string url_;
  bool draining_ = false;
  std::unique_ptr<net::HttpServer> http_;
};

} // namespace dstack::gatewaynode
