#pragma once
/// What the gateway itself answers on the proxy port (spec gateway 13): gateway.<domain> and
/// health.<domain>, which the data plane hands to a unix socket.

#include "agents/gateway/node.hpp"
#include "net/http_server.hpp"

namespace dstack::gatewaynode {

class Pages {
public:
  Pages(sys::Loop& loop, Node& node);
  Status listen();

private:
  void handle(const http::Request& request, const net::Responder& to);
  void app_info(const net::Responder& to);

  Node& node_;
  std::string app_info_{}; ///< of the guest agent, as it said last
  std::int64_t app_info_at_ms_ = 0;
  std::unique_ptr<net::HttpServer> http_;
};

} // namespace dstack::gatewaynode
