#include "certs/schedule.hpp"

#include <doctest/doctest.h>

namespace dstack::certs {
namespace {

constexpr std::int64_t hour = 3'600'000;
constexpr std::int64_t day = 24 * hour;
constexpr Time start{1'800'000'000'000};

Time in(std::int64_t ms)
{
  return Time{start.ms + ms};
}

Schedule fresh()
{
  return Schedule{acme::RenewalSettings{}, 0};
}

} // namespace

TEST_SUITE("certs::Schedule")
{
  TEST_CASE("without a certificate it is due; with one from before when it is time for the next")
  {
    Schedule one = fresh();
    CHECK(one.due(start, 0));
    one.holds(start, in(90 * day));
    CHECK(!one.due(in(60 * day - 1), 0));
    CHECK(one.quiet_ms(in(59 * day), 0) == day);
    CHECK(one.due(in(60 * day), 0));
    CHECK(one.quiet_ms(in(60 * day), 0) == 0);
  }

  TEST_CASE("one that was issued just now is not replaced because the clock says so")
  {
    Schedule one = fresh();
    one.issued(start, in(90 * day), 1000);
    CHECK(!one.due(in(89 * day), 1000));
    CHECK(one.quiet_ms(in(89 * day), 1000) == 12 * hour);
    CHECK(one.due(in(89 * day), 1000 + 12 * hour));
    Schedule short_lived = fresh();
    short_lived.issued(start, in(3 * hour), 0);
    CHECK(short_lived.due(in(2 * hour), hour));
  }

  TEST_CASE("pauses between attempts do not follow the wall clock")
  {
    Schedule one = fresh();
    one.holds(start, in(90 * day));
    const std::int64_t pause = one.failed({}, 5000, 7);
    CHECK(pause >= 150'000);
    CHECK(pause <= 300'000);
    CHECK(!one.due(in(4000 * day), 5000));
    CHECK(one.due(in(4000 * day), 5000 + pause));
    CHECK(!one.due(in(-4000 * day), 5000 + pause)); // and then the clock was set right
    CHECK(one.failures() == 1);
    CHECK(one.pause_left_ms(6000) == pause - 1000);
    one.hurry();
    CHECK(one.due(in(80 * day), 6000));
  }

  TEST_CASE("pauses grow, and what the authority wants is kept to for a week at most")
  {
    Schedule one = fresh();
    std::int64_t last = 0;
    for (int i = 0; i < 12; ++i)
      last = one.failed({}, 0, 0);
    CHECK(last == 6 * hour);
    CHECK(one.failed(2 * day, 0, 0) == 2 * day);
    CHECK(one.failed(300 * day, 0, 0) == 7 * day);
    CHECK(one.failed(-5, 0, 0) == 6 * hour);
    one.issued(start, in(90 * day), 0);
    CHECK(one.failures() == 0);
  }

  TEST_CASE("forced: now, and until there is one")
  {
    Schedule one = fresh();
    one.issued(start, in(90 * day), 0);
    one.force();
    CHECK(one.due(start, 1));
    const std::int64_t pause = one.failed({}, 1, 0);
    CHECK(!one.due(start, 1));
    CHECK(one.due(start, 1 + pause));
    one.issued(start, in(90 * day), 2);
    CHECK(!one.due(in(50 * day), 50 * day));
  }

  TEST_CASE("the authority's window, but never past what is left of the certificate")
  {
    Schedule one = fresh();
    one.holds(start, in(90 * day));
    one.renewal_info({in(20 * day), in(21 * day)});
    CHECK(one.renewal() == in(20 * day));
    one.renewal_info({in(-2 * day), in(-day)});
    CHECK(one.due(start, 0));
    one.renewal_info({in(400 * day), in(401 * day)});
    CHECK(one.renewal() == in(81 * day));
    Schedule none = fresh();
    none.renewal_info({in(20 * day), in(21 * day)});
    CHECK(!none.renewal());
  }
}

} // namespace dstack::certs
