#include "sys/workers.hpp"

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <vector>

namespace dstack::sys {

namespace {

struct Job {
  std::function<void()> work{};
  std::function<void()> done{};
};

/// Threads take the signal mask of the one that starts them: signals are for the loop's thread.
class SignalsBlocked {
public:
  SignalsBlocked()
  {
    sigset_t all;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

private:
  sigset_t before_{};
};

} // namespace

struct WorkerPool::State {
  State(Loop& l, std::size_t queue, Fd event) : loop(l), max_queue(queue), wake(std::move(event)) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  ~State()
  {
    {
      const std::lock_guard lock{mutex};
      stopping = true;
    }
    work_there.notify_all();
    threads.clear(); // joins
    loop.forget(wake.get());
  }

  Status start(unsigned count)
  {
    const SignalsBlocked blocked;
    try {
      for (unsigned i = 0; i < std::max(1U, count); ++i)
        threads.emplace_back([this] { serve(); });
    } catch (const std::system_error& error) {
      return fail(Errc::io, "start a thread: {}", error.what());
    }
    return ok();
  }

  /// What a thread does.
  void serve()
  {
    while (true) {
      Job job;
      {
        std::unique_lock lock{mutex};
        work_there.wait(lock, [this] { return stopping || !waiting.empty(); });
        if (stopping) return;
        job = std::move(waiting.front());
        waiting.pop_front();
      }
      job.work();
      bool told = false; // of one before, and it has not come yet
      {
        const std::lock_guard lock{mutex};
        told = !finished.empty();
        finished.push_back(std::move(job));
      }
      if (!told) tell_loop();
    }
  }

  void tell_loop() const
  {
    const std::uint64_t one = 1;
    // Fails only when the counter is about to overflow, and then the loop is told already.
    static_cast<void>(!::write(wake.get(), &one, sizeof one));
  }

  void collect()
  {
    std::uint64_t count = 0;
    static_cast<void>(!::read(wake.get(), &count, sizeof count));
    std::vector<Job> jobs;
    {
      const std::lock_guard lock{mutex};
      jobs.swap(finished);
    }
    for (Job& job : jobs) {
      const Job one = std::move(job); // gone before the next is told
      one.done();
    }
  }

  Loop& loop;
  std::size_t max_queue;
  Fd wake;
  std::mutex mutex;
  std::condition_variable work_there;
  std::deque<Job> waiting;
  std::vector<Job> finished;
  bool stopping = false;
  std::vector<std::jthread> threads;
};

WorkerPool::WorkerPool(std::unique_ptr<State> state) : state_(std::move(state)) {}
WorkerPool::~WorkerPool() = default;

Result<std::unique_ptr<WorkerPool>> WorkerPool::create(Loop& loop, const WorkerLimits& limits)
{
  Fd event{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  if (!event) return errno_error("eventfd");
  const int fd = event.get();
  auto state = std::make_unique<State>(loop, limits.max_queue, std::move(event));
  TRY(loop.watch(fd, EPOLLIN, [at = state.get()](std::uint32_t) { at->collect(); }));
  TRY(state->start(limits.threads));
  return std::unique_ptr<WorkerPool>{new WorkerPool{std::move(state)}};
}

bool WorkerPool::run(std::function<void()> work, std::function<void()> done)
{
  {
    const std::lock_guard lock{state_->mutex};
    if (state_->waiting.size() >= state_->max_queue) return false;
    state_->waiting.push_back({std::move(work), std::move(done)});
  }
  state_->work_there.notify_one();
  return true;
}

struct Crew::State {
  std::function<void(unsigned)> work{};
  std::vector<std::jthread> threads{}; ///< the last member: joined before the work goes
};

Crew::Crew(std::unique_ptr<State> state) : state_(std::move(state)) {}
Crew::~Crew() = default;

Result<std::unique_ptr<Crew>> Crew::start(unsigned threads, std::function<void(unsigned)> work)
{
  const SignalsBlocked blocked;
  auto state = std::make_unique<State>();
  state->work = std::move(work);
  try {
    for (unsigned i = 0; i < threads; ++i)
      state->threads.emplace_back([at = state.get(), i] { at->work(i); });
  } catch (const std::system_error& error) {
    return fail(Errc::io, "start a thread: {}", error.what());
  }
  return std::unique_ptr<Crew>{new Crew{std::move(state)}};
}

} // namespace dstack::sys
