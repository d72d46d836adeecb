#pragma once
/// Requests to dockerd's Engine API over its unix socket, driven by the loop.

#include "http/message.hpp"
#include "sys/files.hpp"
#include "sys/poll.hpp"

#include <functional>
#include <optional>

namespace dstack::guest {

/// A request body too large for memory, produced piece by piece.
struct Upload {
  std::uint64_t size_bytes = 0;
  std::string content_type;
  std::function<Result<Bytes>()> produce; ///< next piece; at most size_bytes altogether
};

/// One exchange under way. Dropping it does not end it; cancel does.
class EngineExchange : public std::enable_shared_from_this<EngineExchange> {
public:
  using OnBody = std::function<void(std::string_view)>;
  using OnDone = std::function<void(Result<http::Response>)>;

  EngineExchange(sys::Loop& loop, sys::Fd socket);
  ~EngineExchange();
  EngineExchange(const EngineExchange&) = delete;
  EngineExchange& operator=(const EngineExchange&) = delete;

  /// on_body, when given, gets the body of a 2xx answer as it arrives; else it is collected.
  Status
  begin(const http::Request& request, std::optional<Upload> upload, OnBody on_body, OnDone on_done);
  /// Ends without calling on_done.
  void cancel();
  /// Stops and restarts reading, for consumers that are behind.
  void pause();
  void resume();

private:
  void on_event(std::uint32_t events);
  Status write_more();
  Result<bool> read_more();
  Status take(std::string_view data);
  void deliver_body();
  void finish(Result<http::Response> result);
  Status watch();

  sys::Loop& loop_;
  sys::Fd socket_;
  bool watched_ = false;
  std::string out_;
  std::optional<Upload> upload_;
  http::ResponseParser parser_;
  OnBody on_body_;
  OnDone on_done_;
};

class Engine {
public:
  Engine(sys::Loop& loop, sys::fs::path socket) : loop_(loop), socket_(std::move(socket)) {}

  Result<std::shared_ptr<EngineExchange>> start(const http::Request& request,
                                                std::optional<Upload> upload,
                                                EngineExchange::OnBody on_body,
                                                EngineExchange::OnDone on_done);
  /// Waits for the answer while the loop runs (boot flow only); a status other than 2xx or 304 is
  /// an error with dockerd's message.
  Result<std::string>
  call(std::string_view method, std::string target, std::chrono::milliseconds deadline);
  Result<std::string> upload(std::string target, Upload upload, std::chrono::milliseconds deadline);

private:
  Result<std::string> wait_for(const http::Request& request,
                               std::optional<Upload> upload,
                               std::chrono::milliseconds deadline);
  sys::Loop& loop_;
  sys::fs::path socket_;
};

http::Request engine_request(std::string_view method, std::string target);

} // namespace dstack::guest
