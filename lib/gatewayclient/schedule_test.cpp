#include "gatewayclient/schedule.hpp"

#include <doctest/doctest.h>

namespace dstack::gatewayclient {
namespace {

using Step = Schedule::Step;
using Tunnel = Schedule::Tunnel;
using Order = std::vector<std::size_t>;

constexpr std::int64_t second = 1000;

/// The first second from now on at which something is to be done.
std::int64_t due(const Schedule& schedule, std::int64_t now)
{
  while (schedule.step(now) == Step::wait)
    now += second;
  return now;
}

} // namespace

TEST_SUITE("gatewayclient::Schedule")
{
  TEST_CASE("nothing is registered: at once, then after 30, 60, 120 and 120 s")
  {
    Schedule schedule{1};
    std::int64_t now = 7 * second;
    CHECK(schedule.step(now) == Step::force);
    for (const std::int64_t wait : {30, 60, 120, 120, 120}) {
      schedule.failed(now);
      CHECK_FALSE(schedule.is_registered());
      const std::int64_t next = due(schedule, now);
      CHECK(next - now == wait * second);
      CHECK(schedule.step(next) == Step::force);
      now = next;
    }
    schedule.registered(now, Step::force, 0, Tunnel::none);
    CHECK(schedule.is_registered());
    schedule.failed(now); // the next series begins anew
    CHECK(due(schedule, now) - now == 30 * second);
  }

  TEST_CASE("a tunnel that lives is refreshed every 180 s")
  {
    Schedule schedule{1};
    std::int64_t now = 0;
    schedule.registered(now, Step::force, 0, Tunnel::expected);
    for (int i = 1; i <= 20; ++i) {
      schedule.handshake(now + 120 * second, i);
      const std::int64_t next = due(schedule, now);
      CHECK(next - now == Schedule::refresh_ms);
      CHECK(schedule.step(next) == Step::refresh);
      now = next;
      schedule.registered(now, Step::refresh, 0, Tunnel::expected);
    }
  }

  TEST_CASE("without a tunnel nobody waits for handshakes")
  {
    Schedule schedule{1};
    schedule.registered(0, Step::force, 0, Tunnel::none);
    CHECK_FALSE(schedule.wants_handshake(1000 * second));
    CHECK_FALSE(schedule.silent(1000 * second));
    CHECK(schedule.step(179 * second) == Step::wait);
    CHECK(schedule.step(180 * second) == Step::refresh);
  }

  TEST_CASE("no handshake for 180 s, or none at all: by force, at most every 180 s, nothing else")
  {
    Schedule schedule{1};
    schedule.registered(0, Step::force, 0, Tunnel::expected);
    schedule.handshake(10 * second, 0); // none is no handshake
    CHECK_FALSE(schedule.ever_heard());
    CHECK(due(schedule, 0) == 180 * second);
    CHECK(schedule.step(180 * second) == Step::force);
    schedule.registered(181 * second, Step::force, 0, Tunnel::expected);
    CHECK(due(schedule, 181 * second) == (181 + 180) * second);

    schedule.handshake(200 * second, 5);
    CHECK(schedule.ever_heard());
    // A plain refresh was due before the silence is long enough.
    CHECK(schedule.step(361 * second) == Step::refresh);
    schedule.registered(361 * second, Step::refresh, 0, Tunnel::expected);
    schedule.handshake(370 * second, 5); // the same one: nothing new was heard
    CHECK(schedule.step(379 * second) == Step::wait);
    CHECK(schedule.step(380 * second) == Step::force);
  }

  TEST_CASE("a refresh that fails is tried again soon, and by force once the tunnel is dead")
  {
    Schedule schedule{1};
    schedule.registered(0, Step::force, 0, Tunnel::expected);
    schedule.handshake(100 * second, 1);
    CHECK(schedule.step(180 * second) == Step::refresh);
    schedule.failed(180 * second);
    CHECK(schedule.is_registered());
    CHECK(schedule.step(209 * second) == Step::wait);
    CHECK(schedule.step(210 * second) == Step::refresh);
    schedule.failed(210 * second);
    CHECK(schedule.step(269 * second) == Step::wait);
    CHECK(schedule.step(270 * second) == Step::refresh);
    schedule.failed(275 * second);
    CHECK(due(schedule, 275 * second) == (275 + 120) * second);
    CHECK(schedule.step((275 + 120) * second) == Step::force);
  }

  TEST_CASE("handshakes are looked at until there is one, then no sooner than another can be there")
  {
    Schedule schedule{1};
    CHECK_FALSE(schedule.wants_handshake(0));
    schedule.registered(0, Step::force, 0, Tunnel::expected);
    CHECK(schedule.wants_handshake(second));
    schedule.handshake(5 * second, 1);
    CHECK_FALSE(schedule.wants_handshake(124 * second));
    CHECK(schedule.wants_handshake(125 * second));
    // Whatever the wall clock says: another value is another handshake.
    schedule.handshake(130 * second, 1'700'000'000);
    schedule.handshake(260 * second, 3);
    CHECK_FALSE(schedule.silent((260 + 179) * second));
    CHECK(schedule.silent((260 + 180) * second));
  }

  TEST_CASE("a tunnel that comes later has its 180 s, too")
  {
    Schedule schedule{1};
    schedule.registered(0, Step::force, 0, Tunnel::none);
    schedule.registered(1000 * second, Step::refresh, 0, Tunnel::expected);
    CHECK_FALSE(schedule.silent(1179 * second));
    CHECK(schedule.silent(1180 * second));
  }

  TEST_CASE("who answered last is asked first")
  {
    Schedule schedule{3};
    CHECK(schedule.order() == Order{0, 1, 2});
    schedule.registered(0, Step::force, 2, Tunnel::none);
    CHECK(schedule.order() == Order{2, 0, 1});
    schedule.failed(180 * second);
    CHECK(schedule.order() == Order{2, 0, 1});
    schedule.registered(210 * second, Step::refresh, 1, Tunnel::none);
    CHECK(schedule.order() == Order{1, 2, 0});
  }

  TEST_CASE("a gateway whose tunnel stays dead after it was set up anew makes room for the next")
  {
    Schedule schedule{2};
    schedule.registered(0, Step::force, 0, Tunnel::expected);
    schedule.handshake(second, 1);
    CHECK(schedule.step(181 * second) == Step::force);
    CHECK(schedule.order() == Order{0, 1}); // it may only have lost its peers
    schedule.registered(181 * second, Step::force, 0, Tunnel::expected);
    CHECK(schedule.step(361 * second) == Step::force);
    CHECK(schedule.order() == Order{1, 0});
    schedule.registered(361 * second, Step::force, 1, Tunnel::expected);
    schedule.handshake(362 * second, 2);
    CHECK(schedule.order() == Order{1, 0});
  }
}

} // namespace dstack::gatewayclient
