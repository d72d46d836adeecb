#pragma once
/// One thread of the data plane: its listeners, its connections and their timers.

#include "proxy/connection.hpp"
#include "proxy/pipes.hpp"
#include "proxy/timers.hpp"
#include "proxy/tls_contexts.hpp"

#include <mutex>
#include <unordered_map>

namespace dstack::proxy {

/// A world, made ready.
struct Published {
  World world{};
  route::RouteSettings route{};
  std::shared_ptr<const TlsContexts> tls{};
};

/// What the workers of one plane have in common.
struct Common {
  PlaneSettings settings{};
  bool kernel_tls = false; ///< wanted, and this kernel can
  Outside outside{};
  std::atomic<std::uint64_t> live{0};
};

class Worker;

/// Work for a worker, from any thread; outlives it.
class Mailbox {
public:
  using Letter = std::function<void(Worker&)>;
  explicit Mailbox(sys::Fd event) : event_(std::move(event)) {}
  void post(Letter letter);
  std::vector<Letter> take();
  int event() const { return event_.get(); }

private:
  sys::Fd event_;
  std::mutex mutex_{};
  std::vector<Letter> letters_{};
};

class Worker {
public:
  static Result<std::unique_ptr<Worker>>
  create(Common& common, std::vector<sys::Fd> listeners, std::uint64_t seed);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Until a letter says stop(); on the worker's own thread, as everything below.
  void run();
  void stop() { stopping_ = true; }
  void use(std::shared_ptr<const Published> published) { published_ = std::move(published); }
  void stop_listening(); ///< what is being relayed goes on
  const std::shared_ptr<Mailbox>& mailbox() const { return mailbox_; } ///< any thread
  Counters& counters() { return counters_; }

  // For connections.
  const PlaneSettings& settings() const { return common_.settings; }
  const Outside& outside() const { return common_.outside; }
  bool kernel_tls() const { return common_.kernel_tls; }
  const std::shared_ptr<const Published>& published() const { return published_; }
  std::int64_t now_ms() const { return now_ms_; } ///< monotonic, when the events at hand came
  std::span<std::uint8_t> scratch() { return scratch_; }
  CipherBuffers& cipher() { return cipher_; }
  PipePool& pipes() { return pipes_; }
  std::uint64_t random();
  /// For bytes to read and for its end.
  bool watch(Leg& leg) { return watch(leg, false); }
  /// For room to write, too: most legs never lack it.
  bool watch_for_room(Leg& leg) { return watch(leg, true); }
  void set_timer(Connection& connection, std::int64_t due_ms) { timers_.set(connection, due_ms); }
  /// Its turn comes again after the others'.
  void again(Connection& connection);
  /// Destroys it when the events at hand are through.
  void close(Connection& connection);
  /// So that an answer that comes later finds the connection, or finds that it has gone.
  void await(Connection& connection);
  void resolved(std::uint64_t ticket, const Result<route::CustomTarget>& target);

private:
  Worker(Common& common, sys::Fd epoll, sys::Fd wake, std::uint64_t seed);
  bool watch(Leg& leg, bool for_room);
  bool accept_from(Leg& listener);
  void take_in(sys::Fd socket, const route::Endpoint& peer);
  void pause_accepting();
  void watch_listeners(std::uint32_t events);
  void read_letters();
  void serve_again();
  void clean_up();

  Common& common_;
  Watcher watcher_; // before every leg
  std::shared_ptr<Mailbox> mailbox_;
  Leg wake_{};
  std::vector<std::unique_ptr<Leg>> listeners_{};
  std::shared_ptr<const Published> published_;
  Counters counters_{};
  std::int64_t now_ms_;
  TimerWheel timers_;
  route::SourceLimits sources_;
  std::uint64_t random_;
  Bytes scratch_;
  CipherBuffers cipher_{};
  PipePool pipes_{};
  Connection* connections_ = nullptr; ///< all of them, linked
  std::uint64_t live_ = 0;
  std::vector<Connection*> again_{};
  std::vector<Connection*> closed_{};
  std::unordered_map<std::uint64_t, Connection*> awaiting_{};
  std::uint64_t next_ticket_ = 1;
  std::int64_t accept_again_ms_ = 0; ///< 0: accepting
  bool stopping_ = false;
};

} // namespace dstack::proxy
