#pragma once
/// One connection from its first byte to its last: looked into, decided, connected, relayed.

#include "proxy/pipes.hpp"
#include "proxy/plane.hpp"
#include "proxy/timers.hpp"
#include "proxy/tls_channel.hpp"
#include "route/client_hello.hpp"

namespace dstack::proxy {

class Worker;
struct Published;

/// Counts a connection of an instance for as long as it lasts.
class Held {
public:
  Held() = default;
  explicit Held(std::shared_ptr<Backend> backend) : backend_(std::move(backend))
  {
    if (backend_) backend_->connections.fetch_add(1, std::memory_order_relaxed);
  }
  Held(Held&& other) noexcept = default;
  Held& operator=(Held&& other) noexcept
  {
    std::swap(backend_, other.backend_);
    return *this;
  }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  ~Held()
  {
    if (backend_) backend_->connections.fetch_sub(1, std::memory_order_relaxed);
  }
  Backend* get() const { return backend_.get(); }

private:
  std::shared_ptr<Backend> backend_{};
};

/// Attempts to reach one of several instances.
struct Racing {
  struct Attempt {
    std::unique_ptr<Leg> leg{};
    Held held{};
    std::int64_t began_ms = 0;
  };
  Racing(std::vector<std::uint32_t> order, const route::RaceSettings& settings, Time now)
      : race(std::move(order), settings, now)
  {
  }
  route::Race race;
  std::vector<Attempt> attempts{};
};

/// What is only needed until bytes are relayed.
struct Opening {
  route::HelloPeeker peeker{};
  Bytes proxy_bytes{}; ///< of a header that is not whole yet
  route::ProxyHeader::Version proxy_version = route::ProxyHeader::Version::v2;
  std::optional<route::ProxyAddresses> proxied{};
  std::string server_name{};
  std::shared_ptr<const Published> published{}; ///< what was decided by
  std::uint16_t port = 0;
  std::vector<std::uint32_t> order{};
  bool proxy_header_out = false;
  bool to_pages = false;
};

/// Bytes that the receiver did not take yet.
struct Pending {
  Bytes bytes{};
  std::size_t at = 0;
  bool empty() const { return bytes.empty(); }
  void append(ByteView more) { bytes.insert(bytes.end(), more.begin(), more.end()); }
};

/// One direction of a relay.
struct Flow {
  Pending pending{};
  std::uint32_t chunk = 0;   ///< as many bytes are read at once
  bool source_ended = false; ///< nothing more comes
  bool finished = false;     ///< and all has been handed on, and the end too
  std::uint64_t bytes = 0;
  std::unique_ptr<Pipe> pipe{}; ///< while it holds something
  std::uint64_t full_run = 0;   ///< bytes of reads in a row that found all they asked for
  std::uint8_t small_moves = 0; ///< through the pipe, in a row
  bool splicing = false;
};

class Connection : public Timer {
public:
  Connection(Worker& worker, sys::Fd client, const route::Endpoint& peer);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() = default;

  Leg& client() { return client_; }
  const route::Endpoint& peer() const { return peer_; }
  /// Bytes may be there already.
  void begin();
  void on_event(Leg& leg, std::uint32_t events);
  void on_timer();
  void on_turn();
  void resolved(const Result<route::CustomTarget>& target);
  void close();

  // The worker's list of all.
  Connection* next = nullptr;
  Connection* previous = nullptr;
  bool closed = false;
  bool queued = false;       ///< waits for its turn
  std::uint64_t ticket = 0; ///< while TXT records are asked for

private:
  enum class Phase : std::uint8_t {
    proxy_header,
    hello,
    resolving,
    handshake,
    listening, ///< TLS stands, and the client has not said anything yet
    connecting,
    relaying,
    lingering ///< our last bytes are out; the client's are thrown away until it closes
  };

  void work();
  // opening.cpp
  void read_opening();
  void take_proxy_header(ByteView bytes);
  void take_hello(ByteView bytes);
  void decide(const route::Hello& hello);
  void decide_app(const route::ToApp& app);
  void decide_builtin(const route::ToBuiltIn& page);
  void ask_for_custom_domain(const std::string& host);
  void answer_challenge(const std::string& name);
  void start_tls(SSL_CTX* context);
  void handshake();
  void refuse(route::RefusedFor why);
  void refuse(route::Alert alert);
  void want_policies(const route::ToApp& app);
  // connecting.cpp
  void connect();
  void race();
  bool attempt(std::uint32_t index);
  void on_attempt(Leg& leg, std::uint32_t events);
  void lose(std::size_t which);
  void win(std::size_t which);
  void connect_to_pages();
  void start_relay(std::unique_ptr<Leg> server, Held held);
  Bytes first_bytes();
  // relay.cpp
  void relay();
  void pump_up();
  void pump_down();
  Io read_client(std::span<std::uint8_t> room, std::size_t& count);
  bool send_on(Flow& flow, Leg& to, ByteView bytes);
  bool send_cipher();
  bool flush(Flow& flow, Leg& to);
  bool should_splice(const Flow& flow) const;
  bool pump_spliced(Flow& flow, Leg& from, Leg& to);
  Io move(Flow& flow, Leg& from, Leg& to);
  void cut_up();
  void finish_up();
  void finish_down();
  void maybe_done();
  void check_idle();
  void break_off();
  void account();
  void linger();
  void throw_away();
  void look_whether_sent();
  bool kernel_sends() const { return tls_ && tls_->kernel_sends(); }
  void set_timer(std::int64_t in_ms);

  Worker& worker_;
  route::Endpoint peer_;
  Leg client_{};
  std::unique_ptr<Leg> server_{};
  Phase phase_ = Phase::hello;
  std::unique_ptr<Opening> opening_{};
  std::unique_ptr<Racing> racing_{};
  std::unique_ptr<TlsChannel> tls_{};
  Held held_{};
  Flow up_{};   ///< client to app
  Flow down_{}; ///< app to client
  bool up_cut_ = false;    ///< the client's bytes are not taken any more
  bool end_told_ = false;  ///< by close_notify
  bool by_kernel_ = false; ///< lingers, and the kernel made the last records
  bool all_sent_ = false;  ///< as the last look found
  std::int64_t began_ms_;
  std::int64_t active_ms_;
};

} // namespace dstack::proxy
