#include "sys/workers.hpp"

#include <atomic>
#include <csignal>
#include <doctest/doctest.h>
#include <memory>
#include <poll.h>
#include <thread>
#include <vector>

namespace dstack::sys {
namespace {

using std::chrono::milliseconds;

/// A loop that gives up after a while, so that a failure does not hang.
struct Looped {
  std::unique_ptr<Loop> loop = *Loop::create();
  Looped()
  {
    loop->after(std::chrono::seconds{20}, [this] { loop->stop(); });
  }
};

/// Says where it was destroyed.
struct Tracked {
  std::atomic<int>& gone;
  std::thread::id home = std::this_thread::get_id();
  explicit Tracked(std::atomic<int>& count) : gone(count) {}
  Tracked(const Tracked&) = delete;
  Tracked& operator=(const Tracked&) = delete;
  ~Tracked()
  {
    CHECK(std::this_thread::get_id() == home);
    ++gone;
  }
};

} // namespace

TEST_SUITE("sys::WorkerPool")
{
  TEST_CASE("work runs elsewhere, done on the loop's thread, and both are destroyed there")
  {
    const Looped at;
    std::atomic<int> gone = 0;
    const auto pool = *WorkerPool::create(*at.loop, {3, 100});
    const auto here = std::this_thread::get_id();
    int done = 0;
    for (int i = 0; i < 100; ++i) {
      const auto tracked = std::make_shared<Tracked>(gone);
      const auto result = std::make_shared<int>(0);
      REQUIRE(pool->run(
          [result, tracked, i, here] {
            CHECK(std::this_thread::get_id() != here);
            *result = i * i;
          },
          [&, result, tracked, i] {
            CHECK(std::this_thread::get_id() == here);
            CHECK(*result == i * i);
            if (++done == 100) at.loop->stop();
          }));
    }
    REQUIRE(at.loop->run());
    CHECK(done == 100);
    CHECK(gone == 100);
  }

  TEST_CASE("a full queue says so, and calls nothing")
  {
    const Looped at;
    const Pipe hold = *make_pipe();
    const Pipe started = *make_pipe();
    const auto pool = *WorkerPool::create(*at.loop, {1, 2});
    int done = 0;
    const auto finish = [&] {
      if (++done == 3) at.loop->stop();
    };
    REQUIRE(pool->run(
        [&] {
          static_cast<void>(write_all(started.write.get(), as_bytes("s")));
          static_cast<void>(read_some(hold.read.get(), 1));
        },
        finish));
    REQUIRE(read_some(started.read.get(), 1)); // the thread is taken, the queue empty
    CHECK(pool->run([] {}, finish));
    CHECK(pool->run([] {}, finish));
    CHECK(!pool->run([] { CHECK(false); }, [] { CHECK(false); }));
    REQUIRE(write_all(hold.write.get(), as_bytes("x")));
    REQUIRE(at.loop->run());
    CHECK(done == 3);
    CHECK(pool->run([] {}, [] {}));
  }

  TEST_CASE("the end waits for work that runs, forgets what has not started, and tells nobody")
  {
    const Looped at;
    const Pipe started = *make_pipe();
    std::atomic<int> gone = 0;
    std::atomic<int> finished = 0;
    auto pool = *WorkerPool::create(*at.loop, {1, 8});
    const auto never = [] { CHECK(false); };
    {
      const auto tracked = std::make_shared<Tracked>(gone);
      REQUIRE(pool->run(
          [&, tracked] {
            static_cast<void>(write_all(started.write.get(), as_bytes("s")));
            ::poll(nullptr, 0, 50);
            ++finished;
          },
          never));
      const auto second = std::make_shared<Tracked>(gone);
      REQUIRE(pool->run([second] { CHECK(false); }, never));
    }
    REQUIRE(read_some(started.read.get(), 1));
    pool.reset();
    CHECK(finished == 1);
    CHECK(gone == 2);
    at.loop->after(milliseconds{10}, [&] { at.loop->stop(); });
    REQUIRE(at.loop->run());
  }

  TEST_CASE("done may hand over more work")
  {
    const Looped at;
    const auto pool = *WorkerPool::create(*at.loop, {2, 1});
    int left = 50;
    std::function<void()> again = [&] {
      if (--left == 0) return at.loop->stop();
      CHECK(pool->run([] {}, again));
    };
    REQUIRE(pool->run([] {}, again));
    REQUIRE(at.loop->run());
    CHECK(left == 0);
  }

  TEST_CASE("any thread may hand over work")
  {
    const Looped at;
    const auto pool = *WorkerPool::create(*at.loop, {2, 1000});
    std::atomic<int> ran = 0;
    int done = 0;
    std::vector<std::jthread> others;
    for (int t = 0; t < 3; ++t)
      others.emplace_back([&] {
        for (int i = 0; i < 100; ++i)
          CHECK(pool->run([&] { ++ran; },
                          [&] {
                            if (++done == 300) at.loop->stop();
                          }));
      });
    REQUIRE(at.loop->run());
    CHECK(ran == 300);
  }

  TEST_CASE("a signal that the loop waits for reaches it, though the threads came first")
  {
    const Looped at;
    const auto pool = *WorkerPool::create(*at.loop, {4, 1});
    int seen = 0;
    REQUIRE(at.loop->on_signals({SIGUSR1}, [&](int signal) {
      seen = signal;
      at.loop->stop();
    }));
    REQUIRE(::kill(::getpid(), SIGUSR1) == 0); // to the process: any thread that takes it
    REQUIRE(at.loop->run());
    CHECK(seen == SIGUSR1);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  }
}

} // namespace dstack::sys
