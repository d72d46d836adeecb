#pragma once
/// The operator's side (spec gateway 1, 4, 5): the service Admin, /metrics and a page on a unix
/// socket that only its owner can open and, where the settings want it, over TCP for who has the
/// token.

#include "agents/gateway/node.hpp"
#include "net/http_server.hpp"

namespace dstack::gatewaynode {

class Admin {
public:
  Admin(sys::Loop& loop, Node& node);
  Status listen();
  /// Of the TCP listener; empty when there is none.
  const std::string& address() const { return address_; }

private:
  Status listen_tcp();
  void guarded(const http::Request& request, const net::Responder& to);
  void handle(const http::Request& request, const net::Responder& to);

  sys::Loop& loop_;
  Node& node_;
  rpc::Service service_;
  SecretBytes token_;
  std::string address_;
  std::unique_ptr<net::HttpServer> socket_;
  std::unique_ptr<net::HttpServer> tcp_;
};

} // namespace dstack::gatewaynode
