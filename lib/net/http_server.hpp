#pragma once
/// HTTP/1.1 server driver on a sys::Loop: accepts on given listeners, parses, calls the handler,
/// writes the answer. One thread; a handler that must wait answers later through its Responder.

#include "http/message.hpp"
#include "net/tls.hpp"
#include "sys/poll.hpp"

#include <chrono>

namespace dstack::net {

struct ServerLimits {
  http::MessageLimits message;
  /// One more ends the one that has been without a whole request for longest; when all are being
  /// answered it is told 503.
  std::size_t max_connections = 64;
  /// The same among the connections of one IPv4 address or one IPv6 network of 64 bits; 0: no
  /// limit.
  std::size_t max_per_address = 0;
  std::size_t max_unsent = std::size_t{16} << 20U; ///< of a stream its reader does not take
  std::chrono::milliseconds idle{10'000};          ///< keep-alive without a request
  std::chrono::milliseconds request{30'000};       ///< first byte to complete request, or handshake
  std::chrono::milliseconds write{30'000};         ///< whole answer, or no progress of a stream
};

/// Who sent a request.
struct Peer {
  std::string address{}; ///< numeric, without port; empty for a unix socket
  Bytes certificate{};   ///< DER; empty when the client sent none. Its key is the client's.
};

/// Answers one request, now or later, from the loop's thread; copies share the request. Dropping
/// every copy without an answer closes the connection.
class Responder {
public:
  struct Sink;
  explicit Responder(std::shared_ptr<Sink> sink) : sink_(std::move(sink)) {}
  void send(http::Response response) const;
  /// Streaming answer: headers now (connection closes at the end of the body), then pieces, then
  /// finish. stream_piece returns false when the peer is gone (stop producing).
  void stream_start(http::Response head) const;
  bool stream_piece(std::string_view piece) const;
  void stream_finish() const;
  /// Bytes of the answer that the peer has not taken yet, and a one-time call when it has taken
  /// all: for producers that can wait.
  std::size_t unsent() const;
  void when_drained(std::function<void()> action) const;
  /// Called once when the peer goes away before the answer is complete.
  void on_gone(std::function<void()> action) const;
  const Peer& peer() const; ///< also after the peer has gone

private:
  std::shared_ptr<Sink> sink_;
};

using Handler = std::function<void(http::Request, Responder)>;

class HttpServer {
public:
  HttpServer(sys::Loop& loop, ServerLimits limits, Handler handler);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  /// Takes a listening socket and serves it until the server is destroyed.
  Status serve(sys::Fd listener);
  /// The same over TLS, HTTP/1.1 only. Each connection is served with what `current` gives at its
  /// start (nullptr: it is closed), so that a certificate can be replaced while others are in use.
  Status serve_tls(sys::Fd listener, std::function<std::shared_ptr<const TlsServer>()> current);

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace dstack::net
