#include "gateway/clock_watch.hpp"

#include <doctest/doctest.h>

namespace dstack::gateway {

TEST_SUITE("gateway::ClockWatch")
{
  TEST_CASE("a jump is told once, whichever way; small corrections are none")
  {
    ClockWatch watch;
    CHECK_FALSE(watch.jumped(Time{1'000'000}, 5));
    CHECK_FALSE(watch.jumped(Time{1'010'000}, 10'005));
    CHECK_FALSE(watch.jumped(Time{1'050'000}, 20'005)); // half a minute ahead
    CHECK(watch.jumped(Time{90'000'000}, 30'005));
    CHECK_FALSE(watch.jumped(Time{90'010'000}, 40'005));
    CHECK(watch.jumped(Time{0}, 50'005));
    CHECK_FALSE(watch.jumped(Time{10'000}, 60'005));
  }
}

} // namespace dstack::gateway
