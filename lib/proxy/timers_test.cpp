#include "proxy/timers.hpp"

#include <doctest/doctest.h>
#include <memory>
#include <vector>

namespace dstack::proxy {

TEST_SUITE("proxy timers")
{
  TEST_CASE("fire once, not before their time, soon after it")
  {
    TimerWheel wheel{1'000};
    Timer near;
    Timer far;
    CHECK(wheel.wait_ms(1'000) == -1);
    wheel.set(near, 1'100);
    wheel.set(far, 700'000); // many times around
    std::vector<std::pair<const Timer*, std::int64_t>> fired;
    for (std::int64_t now = 1'000; now < 710'000; now += 7)
      wheel.advance(now, [&](Timer& timer) { fired.emplace_back(&timer, now); });
    REQUIRE(fired.size() == 2);
    CHECK(fired[0].first == &near);
    CHECK(fired[0].second >= 1'100);
    CHECK(fired[0].second <= 1'100 + 3 * TimerWheel::tick_ms);
    CHECK(fired[1].first == &far);
    CHECK(fired[1].second >= 700'000);
    CHECK(fired[1].second <= 700'000 + 3 * TimerWheel::tick_ms);
    CHECK(wheel.wait_ms(710'000) == -1);
  }

  TEST_CASE("set anew, they fire at the later time; unlinked or destroyed, never")
  {
    TimerWheel wheel{0};
    Timer moved;
    Timer unlinked;
    auto destroyed = std::make_unique<Timer>();
    wheel.set(moved, 50);
    wheel.set(moved, 500);
    wheel.set(unlinked, 60);
    wheel.set(*destroyed, 70);
    unlinked.unlink();
    destroyed.reset();
    std::vector<std::int64_t> fired;
    for (std::int64_t now = 0; now < 1'000; ++now)
      wheel.advance(now, [&](Timer& timer) {
        CHECK(&timer == &moved);
        fired.push_back(now);
      });
    REQUIRE(fired.size() == 1);
    CHECK(fired[0] >= 500);
  }

  TEST_CASE("may set and destroy others, and themselves, when they fire")
  {
    TimerWheel wheel{0};
    auto first = std::make_unique<Timer>();
    auto second = std::make_unique<Timer>();
    Timer third;
    wheel.set(*first, 90);
    wheel.set(*second, 90);
    int count = 0;
    wheel.advance(110, [&](Timer&) {
      ++count;
      first.reset();
      second.reset();
      wheel.set(third, 50); // in the past: at the next tick
    });
    CHECK(count == 1);
    wheel.advance(110 + 2 * TimerWheel::tick_ms, [&](Timer& timer) {
      CHECK(&timer == &third);
      ++count;
    });
    CHECK(count == 2);
  }

  TEST_CASE("a loop that slept for hours catches up")
  {
    TimerWheel wheel{0};
    std::vector<Timer> many(100);
    for (std::size_t i = 0; i < many.size(); ++i)
      wheel.set(many[i], static_cast<std::int64_t>(i) * 400);
    int count = 0;
    wheel.advance(std::int64_t{86'400'000}, [&](Timer&) { ++count; });
    CHECK(count == 100);
  }

  TEST_CASE("says how long nothing is due")
  {
    TimerWheel wheel{0};
    Timer timer;
    wheel.set(timer, 10'000);
    const int wait = wheel.wait_ms(0);
    CHECK(wait >= 10'000);
    CHECK(wait <= 10'000 + 2 * TimerWheel::tick_ms);
    Timer sooner;
    wheel.set(sooner, 100);
    CHECK(wheel.wait_ms(0) <= 100 + 2 * TimerWheel::tick_ms);
  }
}

} // namespace dstack::proxy
