#pragma once
/// One accepted connection of HttpServer: reads a request, hands it over, writes the answer, in
/// turn. Not for use outside net.

#include "net/http_server.hpp"
#include "net/output.hpp"
#include "net/stream.hpp"

#include <optional>

namespace dstack::net {

class Connection : public std::enable_shared_from_this<Connection> {
public:
  using OnRequest = std::function<void(http::Request, const std::shared_ptr<Connection>&)>;
  using OnClosed = std::function<void(int fd)>;

  Connection(sys::Loop& loop,
             const ServerLimits& limits,
             OnRequest on_request,
             OnClosed on_closed,
             Stream stream,
             std::string address);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Status open();
  void close();
  /// Since when no whole request has come, as a number that grows; nothing while one is answered.
  std::optional<std::uint64_t> waiting_since() const;
  const std::shared_ptr<const Peer>& peer() const { return peer_; }

  // What a Responder asks for; ignored when it does not fit the state.
  void send(const http::Response& response);
  void stream_start(const http::Response& head);
  bool stream_piece(std::string_view piece);
  void stream_finish();
  std::size_t unsent() const { return output_.size(); }
  void when_drained(std::function<void()> action) { drained_ = std::move(action); }
  void on_gone(std::function<void()> action) { gone_ = std::move(action); }

private:
  enum class State {
    handshaking, ///< of TLS
    reading,
    answering, ///< a request was handed over
    streaming,
    lingering, ///< answered and shut; what the peer still sends is thrown away
    closed
  };

  void ready(std::uint32_t events);
  void handshake();
  void handshake_failed();
  void read();
  void drain();
  void end_of_input();
  void advance();
  void refuse(const Error& why);
  void flush();
  void finish_answer();
  void end();
  void say_end();
  void watch_events();
  void arm(std::chrono::milliseconds delay);

  sys::Loop& loop_;
  ServerLimits limits_;
  OnRequest on_request_;
  OnClosed on_closed_;
  Stream stream_;
  std::shared_ptr<const Peer> peer_;
  http::RequestParser parser_;
  std::string input_;
  Output output_;
  std::function<void()> gone_;
  std::function<void()> drained_;
  sys::Loop::TimerId timer_ = 0;
  State state_ = State::reading;
  std::uint64_t turn_ = 0; ///< when state_ last became reading
  bool local_ = false;     ///< a unix socket: a peer that is gone shows as EPOLLHUP
  bool keep_alive_ = true;
  bool head_only_ = false; ///< the request was HEAD
  bool refused_ = false;
  bool peer_done_ = false;  ///< the peer closed its sending side
  bool finished_ = false;   ///< output_ ends the answer
  bool greeted_ = false;    ///< the TLS handshake has begun
  bool linger_ = false;     ///< lingering reads on until the peer is done
  bool end_unsaid_ = false; ///< lingering, and the peer is not told yet that we are done
  bool advancing_ = false;
};

} // namespace dstack::net
