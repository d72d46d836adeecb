#include "guest/engine.hpp"

#include "guest/docker_wire.hpp"
#include "guest/processes.hpp"
#include "sys/sockets.hpp"

#include <cerrno>
#include <limits>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace dstack::guest {

namespace {

constexpr std::size_t max_collected = std::size_t{8} << 20U;

http::MessageLimits limits_for_streams()
{
  http::MessageLimits limits;
  limits.max_body_bytes = std::numeric_limits<std::size_t>::max(); // moved out as it arrives
  return limits;
}

bool is_success(int status)
{
  return status / 100 == 2 || status == 304;
}

} // namespace

http::Request engine_request(std::string_view method, std::string target)
{
  http::Request out;
  out.method = method;
  out.target = std::move(target);
  out.headers.push_back({"Connection", "close"});
  return out;
}

EngineExchange::EngineExchange(sys::Loop& loop, sys::Fd socket)
    : loop_(loop), socket_(std::move(socket)), parser_(limits_for_streams())
{
}

EngineExchange::~EngineExchange()
{
  cancel();
}

Status EngineExchange::watch()
{
  const std::uint32_t events = out_.empty() && !upload_ ? EPOLLIN : EPOLLIN | EPOLLOUT;
  if (watched_) return loop_.change(socket_.get(), events);
  watched_ = true;
  return loop_.watch(socket_.get(), events,
                     [self = shared_from_this()](std::uint32_t ready) { self->on_event(ready); });
}

Status EngineExchange::begin(const http::Request& request,
                             std::optional<Upload> upload,
                             OnBody on_body,
                             OnDone on_done)
{
  TRY(sys::set_nonblocking(socket_.get()));
  on_body_ = std::move(on_body);
  on_done_ = std::move(on_done);
  upload_ = std::move(upload);
  if (upload_)
    out_ = fmt::format("{} {} HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n"
                       "Content-Type: {}\r\nContent-Length: {}\r\n\r\n",
                       request.method, request.target, upload_->content_type, upload_->size_bytes);
  else
    out_ = http::write_request(request, "docker");
  return watch();
}

void EngineExchange::cancel()
{
  on_done_ = nullptr;
  on_body_ = nullptr;
  if (watched_) loop_.forget(socket_.get());
  watched_ = false;
  socket_.reset();
}

void EngineExchange::pause()
{
  if (watched_) loop_.forget(socket_.get());
  watched_ = false;
}

void EngineExchange::resume()
{
  if (!socket_ || watched_) return;
  if (Status again = watch(); !again) finish(std::move(again).error());
}

void EngineExchange::finish(Result<http::Response> result)
{
  const OnDone done = std::move(on_done_);
  const auto keep = shared_from_this();
  cancel();
  if (done) done(std::move(result));
}

Status EngineExchange::write_more()
{
  while (true) {
    if (out_.empty() && upload_) {
      const Bytes piece = TRY(upload_->produce());
      if (piece.empty()) upload_.reset();
      out_ = to_text(piece);
    }
    if (out_.empty()) return watch();
    const ssize_t n = ::send(socket_.get(), out_.data(), out_.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return watch();
    if (n < 0) {
      // dockerd refuses early and closes: its answer is worth more than our broken pipe.
      out_.clear();
      upload_.reset();
      return watch();
    }
    out_.erase(0, static_cast<std::size_t>(n));
  }
}

void EngineExchange::deliver_body()
{
  if (!on_body_ || !parser_.headers_complete() || !is_success(parser_.status())) return;
  const std::string body = parser_.drain_body();
  const OnBody sink = on_body_; // it may cancel us
  if (!body.empty()) sink(body);
}

/// True when the answer is complete.
Result<bool> EngineExchange::read_more()
{
  std::array<char, 65536> buffer{};
  const ssize_t n = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (n < 0) return sys::errno_error("read from dockerd");
  if (n == 0) {
    TRY(parser_.end_of_input().within("dockerd"));
    deliver_body();
    return true;
  }
  TRY(take({buffer.data(), static_cast<std::size_t>(n)}));
  return parser_.complete();
}

Status EngineExchange::take(std::string_view data)
{
  while (!data.empty() && !parser_.complete()) {
    const std::size_t used = TRY(parser_.feed(data).within("dockerd"));
    data.remove_prefix(used);
  }
  deliver_body();
  return ok();
}

void EngineExchange::on_event(std::uint32_t events)
{
  const auto keep = shared_from_this();
  if ((events & EPOLLOUT) != 0)
    if (Status written = write_more(); !written) return finish(std::move(written).error());
  if ((events & ~static_cast<std::uint32_t>(EPOLLOUT)) == 0) return;
  Result<bool> complete = read_more();
  if (!complete) return finish(std::move(complete).error());
  if (*complete && socket_) finish(parser_.take());
}

Result<std::shared_ptr<EngineExchange>> Engine::start(const http::Request& request,
                                                      std::optional<Upload> upload,
                                                      EngineExchange::OnBody on_body,
                                                      EngineExchange::OnDone on_done)
{
  sys::Fd socket = TRY(sys::connect_unix(socket_).within("dockerd"));
  auto exchange = std::make_shared<EngineExchange>(loop_, std::move(socket));
  TRY(exchange->begin(request, std::move(upload), std::move(on_body), std::move(on_done)));
  return exchange;
}

Result<std::string> Engine::wait_for(const http::Request& request,
                                     std::optional<Upload> upload,
                                     std::chrono::milliseconds deadline)
{
  std::optional<Result<http::Response>> answer;
  std::string body;
  const auto collect = [&](std::string_view piece) {
    if (body.size() < max_collected) body += piece;
  };
  const auto exchange =
      TRY(start(request, std::move(upload), collect, [&](Result<http::Response> response) {
        answer = std::move(response);
        loop_.stop();
      }));
  const std::string what = fmt::format("dockerd's answer to {}", request.path());
  Status waited = run_until(
      loop_, [&] { return answer.has_value(); }, deadline, what);
  exchange->cancel();
  TRY(std::move(waited));
  const http::Response response = TRY(std::move(*answer));
  if (is_success(response.status)) return body;
  return fail(Errc::io, "dockerd refused {}: {}", request.path(), error_message(response.body));
}

Result<std::string>
Engine::call(std::string_view method, std::string target, std::chrono::milliseconds deadline)
{
  return wait_for(engine_request(method, std::move(target)), std::nullopt, deadline);
}

Result<std::string>
Engine::upload(std::string target, Upload upload, std::chrono::milliseconds deadline)
{
  return wait_for(engine_request("POST", std::move(target)), std::move(upload), deadline);
}

} // namespace dstack::guest
