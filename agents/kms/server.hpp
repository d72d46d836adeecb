#pragma once
/// The listener for the world: RPCs, /health, /metrics, /shares and, while sealed, /unseal. Reading
/// and writing on the loop, everything that takes time on the workers.

#include "agents/kms/node.hpp"
#include "kmsapi/rate_limit.hpp"
#include "net/http_server.hpp"

namespace dstack::kmsnode {

class Server {
public:
  Server(sys::Loop& loop, Node& node);
  /// On the settings' address, or the one given ("ADDRESS:PORT").
  Status listen(const std::string& address);
  std::string url() const { return url_; }
  /// Answers no further request; done is called when those under way are answered, or at the
  /// deadline.
  void drain(std::chrono::milliseconds deadline, std::function<void()> done);

private:
  struct Job;

  void handle(http::Request request, const net::Responder& to);
  void rpc(http::Request request, const net::Responder& to);
  void unseal(const http::Request& request, const net::Responder& to);
  void shares(const http::Request& request, const net::Responder& to);
  bool may_ask(const http::Request& request, const net::Responder& to);
  void send(const net::Responder& to, http::Response response) const;
  void drained();

  sys::Loop& loop_;
  Node& node_;
  kmsapi::RateLimit limit_;
  std::string url_;
  std::string version_;
  codec::Json shares_; ///< of custodians who may not have fetched theirs yet
  std::uint64_t under_way_ = 0;
  bool draining_ = false;
  std::function<void()> when_drained_{};
  sys::Loop::TimerId drain_timer_ = 0;
  std::unique_ptr<net::HttpServer> http_;
};

} // namespace dstack::kmsnode
