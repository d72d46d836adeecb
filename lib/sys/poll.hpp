#pragma once
/// One-threaded event loop over epoll: descriptors, timers and signals.

#include "sys/fd.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <set>

namespace dstack::sys {

class Loop {
public:
  using Handler = std::function<void(std::uint32_t events)>; ///< EPOLLIN | EPOLLOUT | …
  using TimerId = std::uint64_t;

  static Result<std::unique_ptr<Loop>> create();

  /// Watches a descriptor (not owned). A handler may watch, change and forget any descriptor,
  /// itself included.
  Status watch(int fd, std::uint32_t events, Handler handler);
  Status change(int fd, std::uint32_t events);
  void forget(int fd);

  TimerId after(std::chrono::milliseconds delay, std::function<void()> action);
  void cancel(TimerId id);

  /// Blocks the signals for this process and delivers them here.
  Status on_signals(std::initializer_list<int> signals, std::function<void(int)> handler);

  /// Runs until stop() is called; Errc::io only when epoll itself fails.
  Status run();
  void stop() { stopping_ = true; }

private:
  struct Timer {
    std::int64_t due_ms;
    std::function<void()> action;
  };
  explicit Loop(Fd epoll) : epoll_(std::move(epoll)) {}
  int next_wait_ms() const;
  void fire_timers();

  Fd epoll_;
  Fd signals_;
  std::map<int, std::shared_ptr<Handler>> handlers_;
  std::map<TimerId, Timer> timers_;
  std::set<std::pair<std::int64_t, TimerId>> due_; ///< of timers_, the next one first
  TimerId next_timer_ = 1;
  bool stopping_ = false;
};

} // namespace dstack::sys
