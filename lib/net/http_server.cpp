#include "net/http_server.hpp"

#include "net/connection.hpp"
#include "sys/sockets.hpp"

#include <algorithm>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unordered_map>
#include <utility>
#include <vector>

namespace dstack::net {

namespace {

/// When the process is out of descriptors, accepting again at once would spin.
constexpr std::chrono::milliseconds accept_pause{100};

} // namespace

/// One request waiting for its answer.
struct Responder::Sink {
  std::weak_ptr<Connection> connection;
  bool answered = false;

  explicit Sink(const std::shared_ptr<Connection>& to) : connection(to) {}
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  ~Sink()
  {
    const auto to = open();
    if (to) to->close();
  }

  /// The connection while it still waits for this answer: it may serve the next request by now.
  std::shared_ptr<Connection> open() const { return answered ? nullptr : connection.lock(); }
};

void Responder::send(http::Response response) const
{
  const auto to = sink_->open();
  sink_->answered = true;
  if (to) to->send(response);
}

void Responder::stream_start(http::Response head) const
{
  if (const auto to = sink_->open()) to->stream_start(head);
}

bool Responder::stream_piece(std::string_view piece) const
{
  const auto to = sink_->open();
  return to && to->stream_piece(piece);
}

void Responder::stream_finish() const
{
  const auto to = sink_->open();
  sink_->answered = true;
  if (to) to->stream_finish();
}

std::size_t Responder::unsent() const
{
  const auto to = sink_->open();
  return to ? to->unsent() : 0;
}

void Responder::when_drained(std::function<void()> action) const
{
  if (const auto to = sink_->open()) to->when_drained(std::move(action));
}

void Responder::on_gone(std::function<void()> action) const
{
  if (const auto to = sink_->open()) to->on_gone(std::move(action));
}

struct HttpServer::Impl {
  Impl(sys::Loop& l, ServerLimits k, Handler h) : loop(l), limits(k), handler(std::move(h)) {}

  ~Impl()
  {
    loop.cancel(pause_timer);
    for (const sys::Fd& listener : listeners)
      loop.forget(listener.get());
    const auto open = std::exchange(connections, {});
    for (const auto& [fd, connection] : open)
      connection->close();
  }

  void accept(int listener)
  {
    auto fd = sys::accept_one(listener);
    if (!fd) return pause_if_exhausted();
    if (connections.size() >= limits.max_connections && !make_room()) return turn_away(fd->get());
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

  /// Ends the connection that has been without a whole request for longest: a client that means it
  /// sends one at once, so those who only hold connections open push out each other.
  bool make_room()
  {
    std::shared_ptr<Connection> oldest;
    for (const auto& [fd, connection] : connections) {
      const auto since = connection->waiting_since();
      if (since && (!oldest || *since < *oldest->waiting_since())) oldest = connection;
    }
    if (oldest) oldest->close();
    return oldest != nullptr;
  }

  static void turn_away(int fd)
  {
    const std::string text = http::write_response({503,
                                                   {{"Content-Type", "application/json"}},
                                                   "{\n  \"error\": \"too many connections\"\n}"},
                                                  false);
    static_cast<void>(::send(fd, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
  }

  void pause_if_exhausted()
  {
    const bool exhausted =
        errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
    if (!exhausted) return;
    watch_listeners(0);
    loop.cancel(pause_timer);
    pause_timer = loop.after(accept_pause, [this] { watch_listeners(EPOLLIN); });
  }

  void watch_listeners(std::uint32_t events)
  {
    for (const sys::Fd& listener : listeners)
      static_cast<void>(loop.change(listener.get(), events));
  }

  sys::Loop& loop;
  ServerLimits limits;
  Handler handler;
  std::vector<sys::Fd> listeners;
  std::unordered_map<int, std::shared_ptr<Connection>> connections;
  sys::Loop::TimerId pause_timer = 0;
};

HttpServer::HttpServer(sys::Loop& loop, ServerLimits limits, Handler handler)
    : impl_(std::make_unique<Impl>(loop, limits, std::move(handler)))
{
}

HttpServer::~HttpServer() = default;

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
