#pragma once
/// Threads for work that would hold up an event loop, and threads that run loops of their own.

#include "sys/poll.hpp"

namespace dstack::sys {

struct WorkerLimits {
  unsigned threads = 2;
  std::size_t max_queue = 64; ///< pieces of work that wait for a thread
};

/// Runs pieces of work on threads of its own and tells the loop when each is done. No signal is
/// ever delivered to these threads.
class WorkerPool {
public:
  /// The loop must outlive the pool; the pool is created and destroyed on the loop's thread.
  static Result<std::unique_ptr<WorkerPool>> create(Loop& loop, const WorkerLimits& limits);
  /// Waits for the work that runs; what has not started never will. No more done is called. All
  /// that was handed over is destroyed here.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// False: the queue is full, and neither is called. From any thread. `done` is called on the
  /// loop's thread after `work` has run on another; both are destroyed on the loop's thread, so
  /// that they may hold what belongs there. `done` must not destroy the pool.
  bool run(std::function<void()> work, std::function<void()> done);

private:
  struct State;
  explicit WorkerPool(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Threads that each do one long piece of work, such as running a loop of their own. No signal is
/// delivered to them.
class Crew {
public:
  /// Each calls work with its number, from 0.
  static Result<std::unique_ptr<Crew>> start(unsigned threads, std::function<void(unsigned)> work);
  ~Crew(); ///< waits until every thread has come back from its work
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

private:
  struct State;
  explicit Crew(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

} // namespace dstack::sys
