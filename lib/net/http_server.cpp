#include "net/http_server.hpp"

#include "sys/sockets.hpp"

#include <cerrno>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <unordered_map>
#include <utility>
#include <vector>

namespace dstack::net {

namespace {

constexpr std::size_t read_size = std::size_t{16} << 10U;
/// A peer that does not take a stream holds at most this much of our memory.
constexpr std::size_t max_unsent = std::size_t{4} << 20U;

/// One connection: reads a request, hands it over, writes the answer, in turn.
struct Connection : std::enable_shared_from_this<Connection> {
  using RequestAction = std::function<void(http::Request, const std::shared_ptr<Connection>&)>;

  Connection(sys::Loop& l,
             const ServerLimits& k,
             RequestAction r,
             std::function<void(int)> closed,
             sys::Fd f)
      : loop(l), limits(k), on_request(std::move(r)), on_closed(std::move(closed)),
        fd(std::move(f)), parser(k.message)
  {
  }

  ~Connection() { loop.cancel(timer); }

  enum class State { reading, answering, streaming, closed };

  Status open()
  {
    TRY(sys::set_nonblocking(fd.get()));
    const std::weak_ptr<Connection> weak = weak_from_this();
    TRY(loop.watch(fd.get(), EPOLLIN, [weak](std::uint32_t events) {
      if (const auto self = weak.lock()) self->ready(events);
    }));
    arm(limits.idle);
    return ok();
  }

  void arm(std::chrono::milliseconds delay)
  {
    loop.cancel(timer);
    const std::weak_ptr<Connection> weak = weak_from_this();
    timer = loop.after(delay, [weak] {
      if (const auto self = weak.lock()) self->close();
    });
  }

  void close()
  {
    if (state == State::closed) return;
    state = State::closed;
    loop.cancel(timer);
    loop.forget(fd.get());
    const int number = fd.get();
    fd.reset();
    if (gone) std::exchange(gone, nullptr)();
    on_closed(number);
  }

  void ready(std::uint32_t events)
  {
    const auto self = shared_from_this();
    if ((events & (EPOLLERR | EPOLLHUP)) != 0U) return close();
    if ((events & EPOLLOUT) != 0U) flush();
    if ((events & EPOLLIN) != 0U && state != State::closed) read();
  }

  void read()
  {
    const auto data = sys::read_some(fd.get(), read_size);
    if (!data) {
      if (errno != EAGAIN) close();
      return;
    }
    if (data->empty()) return end_of_input();
    if (parser.fresh() && state == State::reading) arm(limits.request);
    input += as_text(*data);
    if (input.size() > limits.message.max_header_bytes + limits.message.max_body_bytes)
      return close();
    advance();
  }

  /// The client closed its side: an answer under way is still sent, then the connection ends.
  void end_of_input()
  {
    peer_done = true;
    if (state == State::reading || state == State::streaming) return close();
    watch_events();
  }

  void advance()
  {
    if (state != State::reading || input.empty()) return;
    const auto used = parser.feed(input);
    if (!used) {
      keep_alive = false;
      return send(
          {400, {{"Content-Type", "application/json"}}, "{\"error\":\"malformed request\"}"});
    }
    input.erase(0, *used);
    if (!parser.complete()) return;
    http::Request request = parser.take();
    keep_alive = request.keep_alive;
    state = State::answering;
    loop.cancel(timer);
    on_request(std::move(request), shared_from_this());
  }

  void send(const http::Response& response)
  {
    if (state == State::closed || state == State::streaming) return;
    state = State::answering;
    output += http::write_response(response, keep_alive && !peer_done);
    finished = true;
    arm(limits.write);
    flush();
  }

  void stream_start(const http::Response& head)
  {
    if (state != State::answering) return;
    state = State::streaming;
    keep_alive = false;
    output += fmt::format("HTTP/1.1 {} OK\r\n", head.status);
    for (const http::Header& header : head.headers)
      output += fmt::format("{}: {}\r\n", header.name, header.value);
    output += "Connection: close\r\n\r\n";
    flush();
  }

  bool stream_piece(std::string_view piece)
  {
    if (state != State::streaming) return false;
    if (output.size() + piece.size() > max_unsent) {
      close();
      return false;
    }
    output += piece;
    flush();
    return state == State::streaming;
  }

  void stream_finish()
  {
    if (state != State::streaming) return;
    finished = true;
    arm(limits.write);
    flush();
  }

  void flush()
  {
    while (!output.empty()) {
      const ssize_t n = ::send(fd.get(), output.data(), output.size(), MSG_NOSIGNAL);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && errno == EAGAIN) {
        arm(limits.write);
        return watch_events();
      }
      if (n < 0) return close();
      output.erase(0, static_cast<std::size_t>(n));
    }
    if (!finished) {
      if (state == State::streaming) loop.cancel(timer);
      return watch_events();
    }
    if (!keep_alive || peer_done) return close();
    finished = false;
    state = State::reading;
    gone = nullptr;
    arm(limits.idle);
    watch_events();
    advance();
  }

  void watch_events()
  {
    if (state == State::closed) return;
    const std::uint32_t in = peer_done ? 0U : EPOLLIN | EPOLLRDHUP;
    const std::uint32_t out = output.empty() ? 0U : EPOLLOUT;
    static_cast<void>(loop.change(fd.get(), in | out));
  }

  sys::Loop& loop;
  const ServerLimits& limits;
  RequestAction on_request;
  std::function<void(int)> on_closed;
  sys::Fd fd;
  http::RequestParser parser;
  std::string input;
  std::string output;
  std::function<void()> gone;
  sys::Loop::TimerId timer = 0;
  State state = State::reading;
  bool keep_alive = true;
  bool peer_done = false;
  bool finished = false;
};

} // namespace

/// One request waiting for its answer.
struct Responder::Sink {
  std::weak_ptr<Connection> connection;
  bool answered = false;

  explicit Sink(const std::shared_ptr<Connection>& c) : connection(c) {}
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  ~Sink()
  {
    const auto open = connection.lock();
    if (open && !answered) open->close();
  }
};

void Responder::send(http::Response response) const
{
  const auto open = sink_->connection.lock();
  if (!open || std::exchange(sink_->answered, true)) return;
  open->send(response);
}

void Responder::stream_start(http::Response head) const
{
  const auto open = sink_->connection.lock();
  if (open) open->stream_start(head);
}

bool Responder::stream_piece(std::string_view piece) const
{
  const auto open = sink_->connection.lock();
  return open && open->stream_piece(piece);
}

void Responder::stream_finish() const
{
  const auto open = sink_->connection.lock();
  if (!open || std::exchange(sink_->answered, true)) return;
  open->stream_finish();
}

void Responder::on_gone(std::function<void()> action) const
{
  const auto open = sink_->connection.lock();
  if (open) open->gone = std::move(action);
}

struct HttpServer::Impl {
  Impl(sys::Loop& l, ServerLimits k, Handler h) : loop(l), limits(k), handler(std::move(h)) {}

  void accept(int listener)
  {
    auto fd = sys::accept_one(listener);
    if (!fd) return;
    if (connections.size() >= limits.max_connections)
      return; // closed at once: the cap is the answer
    const int number = fd->get();
    auto connection = std::make_shared<Connection>(
        loop, limits,
        [this](http::Request request, const std::shared_ptr<Connection>& from) {
          handler(std::move(request), Responder{std::make_shared<Responder::Sink>(from)});
        },
        [this](int closed) { connections.erase(closed); }, *std::move(fd));
    connections[number] = connection;
    if (!connection->open()) connections.erase(number);
  }

  sys::Loop& loop;
  ServerLimits limits;
  Handler handler;
  std::vector<sys::Fd> listeners;
  std::unordered_map<int, std::shared_ptr<Connection>> connections;
};

HttpServer::HttpServer(sys::Loop& loop, ServerLimits limits, Handler handler)
    : impl_(std::make_unique<Impl>(loop, limits, std::move(handler)))
{
}

HttpServer::~HttpServer()
{
  for (const sys::Fd& listener : impl_->listeners)
    impl_->loop.forget(listener.get());
  auto open = std::move(impl_->connections);
  impl_->connections.clear();
  for (const auto& [fd, connection] : open)
    connection->close();
}

Status HttpServer::serve(sys::Fd listener)
{
  TRY(sys::set_nonblocking(listener.get()));
  const int fd = listener.get();
  TRY(impl_->loop.watch(fd, EPOLLIN,
                        [impl = impl_.get(), fd](std::uint32_t) { impl->accept(fd); }));
  impl_->listeners.push_back(std::move(listener));
  return ok();
}

} // namespace dstack::net
