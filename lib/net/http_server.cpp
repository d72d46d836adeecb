#include "net/http_server.hpp"

#include "base/address.hpp"
#include "net/connection.hpp"
#include "net/tls_server.hpp"
#include "sys/sockets.hpp"

#include <algorithm>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unordered_map>
#include <utility>
#include <vector>

namespace dstack::net {

namespace {

/// When the process is out of descriptors, accepting again at once would spin.
constexpr std::chrono::milliseconds accept_pause{100};
constexpr int accepts_at_once = 16;

using TlsSource = std::function<std::shared_ptr<const TlsServer>()>;

struct Listener {
  sys::Fd fd{};
  TlsSource tls{}; ///< empty: plain
};

/// A handshake and an answer come in several small pieces that must not wait for each other.
void send_at_once(int fd)
{
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

} // namespace

/// One request waiting for its answer.
struct Responder::Sink {
  std::weak_ptr<Connection> connection;
  std::shared_ptr<const Peer> peer;
  bool answered = false;

  explicit Sink(const std::shared_ptr<Connection>& to) : connection(to), peer(to->peer()) {}
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
  wipe_text(response.body);
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

const Peer& Responder::peer() const
{
  return *sink_->peer;
}

struct HttpServer::Impl {
  Impl(sys::Loop& l, ServerLimits k, Handler h) : loop(l), limits(k), handler(std::move(h)) {}

  ~Impl()
  {
    loop.cancel(pause_timer);
    for (const Listener& listener : listeners)
      loop.forget(listener.fd.get());
    const auto open = std::exchange(connections, {});
    for (const auto& [fd, held] : open)
      held.connection->close();
  }

  /// Those who wait at the door, but never so many that others inside wait long.
  void accept(int listener, const TlsSource& tls)
  {
    for (int i = 0; i < accepts_at_once; ++i) {
      auto fd = sys::accept_one(listener);
      if (!fd) return pause_if_exhausted();
      admit(*std::move(fd), tls);
    }
  }

  void admit(sys::Fd fd, const TlsSource& tls)
  {
    const std::string address = sys::peer_address(fd.get());
    const std::string network = network_of(address);
    if (!room_for(network)) return turn_away(fd.get(), tls);
    auto stream = stream_over(std::move(fd), tls);
    if (!stream) return;
    const int number = stream->fd();
    auto connection = std::make_shared<Connection>(
        loop, limits,
        [this](http::Request request, const std::shared_ptr<Connection>& from) {
          handler(std::move(request), Responder{std::make_shared<Responder::Sink>(from)});
        },
        [this](int closed) { drop(closed); }, *std::move(stream), address);
    connections[number] = {connection, network};
    ++from_network[network];
    if (!connection->open()) drop(number);
  }

  static Result<Stream> stream_over(sys::Fd fd, const TlsSource& tls)
  {
    if (!tls) return Stream{std::move(fd)};
    const auto server = tls();
    if (!server) return fail(Errc::config, "no certificate to serve with");
    send_at_once(fd.get());
    auto session = TRY(accept_session(*server, fd.get()));
    return Stream{std::move(fd), std::move(session)};
  }

  void drop(int number)
  {
    const auto at = connections.find(number);
    if (at == connections.end()) return;
    const auto count = from_network.find(at->second.network);
    if (count != from_network.end() && --count->second == 0) from_network.erase(count);
    connections.erase(at);
  }

  bool room_for(const std::string& network)
  {
    const auto count = from_network.find(network);
    const bool counted = limits.max_per_address != 0 && !network.empty();
    if (counted && count != from_network.end() && count->second >= limits.max_per_address &&
        !make_room(&network))
      return false;
    return connections.size() < limits.max_connections || make_room(nullptr);
  }

  /// Ends the connection that has been without a whole request for longest (of a network, when one
  /// is given): a client that means it sends one at once, so those who only hold connections open
  /// push out each other.
  bool make_room(const std::string* network)
  {
    std::shared_ptr<Connection> oldest;
    for (const auto& [fd, held] : connections) {
      if (network != nullptr && held.network != *network) continue;
      const auto since = held.connection->waiting_since();
      if (since && (!oldest || *since < *oldest->waiting_since())) oldest = held.connection;
    }
    if (oldest) oldest->close();
    return oldest != nullptr;
  }

  static void turn_away(int fd, const TlsSource& tls)
  {
    if (tls) return; // could only be told after a handshake
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
    for (const Listener& listener : listeners)
      static_cast<void>(loop.change(listener.fd.get(), events));
  }

  Status serve(Listener listener)
  {
    TRY(sys::set_nonblocking(listener.fd.get()));
    const int fd = listener.fd.get();
    TRY(loop.watch(fd, EPOLLIN,
                   [this, fd, tls = listener.tls](std::uint32_t) { accept(fd, tls); }));
    listeners.push_back(std::move(listener));
    return ok();
  }

  struct Held {
    std::shared_ptr<Connection> connection{};
    std::string network{};
  };

  sys::Loop& loop;
  ServerLimits limits;
  Handler handler;
  std::vector<Listener> listeners;
  std::unordered_map<int, Held> connections;
  std::unordered_map<std::string, std::size_t> from_network; ///< connections of each
  sys::Loop::TimerId pause_timer = 0;
};

HttpServer::HttpServer(sys::Loop& loop, ServerLimits limits, Handler handler)
    : impl_(std::make_unique<Impl>(loop, limits, std::move(handler)))
{
}

HttpServer::~HttpServer() = default;

Status HttpServer::serve(sys::Fd listener)
{
  return impl_->serve({std::move(listener), {}});
}

Status HttpServer::serve_tls(sys::Fd listener, TlsSource current)
{
  DSTACK_ASSERT(current);
  return impl_->serve({std::move(listener), std::move(current)});
}

} // namespace dstack::net
