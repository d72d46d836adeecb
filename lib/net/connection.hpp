#pragma once
/// One accepted connection of HttpServer: reads a request, hands it over, writes the answer, in
/// turn. Not for use outside net.

#include "net/http_server.hpp"

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
             sys::Fd fd);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Status open();
  void close();
  /// Since when no whole request has come, as a number that grows; nothing while one is answered.
  std::optional<std::uint64_t> waiting_since() const;

  // What a Responder asks for; ignored when it does not fit the state.
  void send(const http::Response& response);
  void stream_start(const http::Response& head);
  bool stream_piece(std::string_view piece);
  void stream_finish();
  std::size_t unsent() const { return output_.size() - sent_; }
  void when_drained(std::function<void()> action) { drained_ = std::move(action); }
  void on_gone(std::function<void()> action) { gone_ = std::move(action); }

private:
  enum class State {
    reading,
    answering, ///< a request was handed over
    streaming,
    lingering, ///< answered and shut; what the peer still sends is thrown away
    closed
  };

  void ready(std::uint32_t events);
  void read();
  void end_of_input();
  void advance();
  void refuse(const Error& why);
  void flush();
  void finish_answer();
  void end();
  void watch_events();
  void arm(std::chrono::milliseconds delay);

  sys::Loop& loop_;
  ServerLimits limits_;
  OnRequest on_request_;
  OnClosed on_closed_;
  sys::Fd fd_;
  http::RequestParser parser_;
  std::string input_;
  std::string output_;
  std::size_t sent_ = 0; ///< of output_
  std::function<void()> gone_;
  std::function<void()> drained_;
  sys::Loop::TimerId timer_ = 0;
  State state_ = State::reading;
  std::uint64_t turn_ = 0; ///< when state_ last became reading
  bool local_ = false;     ///< a unix socket: a peer that is gone shows as EPOLLHUP
  bool keep_alive_ = true;
  bool head_only_ = false; ///< the request was HEAD
  bool refused_ = false;
  bool peer_done_ = false; ///< the peer closed its sending side
  bool finished_ = false;  ///< output_ ends the answer
  bool advancing_ = false;
};

} // namespace dstack::net
