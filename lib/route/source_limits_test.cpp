#include "route/source_limits.hpp"

#include <doctest/doctest.h>

namespace dstack::route {
namespace {

using Verdict = SourceLimits::Verdict;

constexpr Time start{1'000'000};

Time after(std::int64_t ms)
{
  return Time{start.ms + ms};
}

} // namespace

TEST_SUITE("route::source_limits")
{
  TEST_CASE("a burst, then so many a second")
  {
    SourceLimits limits{{100, 10, 3, 10}, 1};
    const Address a = *parse_address("192.0.2.1");
    for (int i = 0; i < 3; ++i)
      CHECK(limits.admit(a, start) == Verdict::admitted);
    CHECK(limits.admit(a, start) == Verdict::too_fast);
    CHECK(limits.admit(a, after(99)) == Verdict::too_fast);
    CHECK(limits.admit(a, after(100)) == Verdict::admitted);
    CHECK(limits.admit(a, after(100)) == Verdict::too_fast);
    CHECK(limits.admit(*parse_address("192.0.2.2"), after(100)) == Verdict::admitted);
    CHECK(limits.admit(a, after(1'000'000)) == Verdict::admitted);
  }

  TEST_CASE("so many at a time, until some close")
  {
    SourceLimits limits{{2, 1000, 1000, 10}, 1};
    const Address a = *parse_address("192.0.2.1");
    CHECK(limits.admit(a, start) == Verdict::admitted);
    CHECK(limits.admit(a, start) == Verdict::admitted);
    CHECK(limits.admit(a, start) == Verdict::too_many_open);
    limits.closed(a);
    CHECK(limits.admit(a, start) == Verdict::admitted);
    CHECK(limits.admit(a, start) == Verdict::too_many_open);
  }

  TEST_CASE("an IPv6 /64 is one source, a mapped address its IPv4 address")
  {
    SourceLimits limits{{1, 1000, 1000, 10}, 1};
    CHECK(limits.admit(*parse_address("2001:db8::1"), start) == Verdict::admitted);
    CHECK(limits.admit(*parse_address("2001:db8::ffff"), start) == Verdict::too_many_open);
    CHECK(limits.admit(*parse_address("2001:db8:0:1::1"), start) == Verdict::admitted);
    CHECK(limits.admit(*parse_address("::ffff:192.0.2.1"), start) == Verdict::admitted);
    CHECK(limits.admit(*parse_address("192.0.2.1"), start) == Verdict::too_many_open);
  }

  TEST_CASE("memory stays bounded: beyond it, new sources share one allowance")
  {
    SourceLimits limits{{100, 1, 2, 4}, 1};
    int admitted = 0;
    for (std::uint32_t i = 0; i < 1000; ++i)
      if (limits.admit(Address::v4(i), start) == Verdict::admitted) ++admitted;
    CHECK(limits.remembered() == 4);
    CHECK(admitted == 4 + 2);
  }

  TEST_CASE("who is idle is forgotten when there is need of room, who is connected is not")
  {
    SourceLimits limits{{100, 1, 2, 4}, 1};
    for (std::uint32_t i = 0; i < 4; ++i)
      CHECK(limits.admit(Address::v4(i), start) == Verdict::admitted);
    for (std::uint32_t i = 1; i < 4; ++i)
      limits.closed(Address::v4(i));
    CHECK(limits.admit(Address::v4(9), after(2'000)) == Verdict::admitted);
    CHECK(limits.remembered() == 2);
  }

  TEST_CASE("a clock that goes back neither blocks nor fills")
  {
    SourceLimits limits{{100, 1, 1, 4}, 1};
    const Address a = Address::v4(1);
    CHECK(limits.admit(a, start) == Verdict::admitted);
    CHECK(limits.admit(a, Time{0}) == Verdict::too_fast);
    CHECK(limits.admit(a, Time{1'000}) == Verdict::admitted);
  }

  TEST_CASE("closing more often than opening changes nothing")
  {
    SourceLimits limits{{1, 1000, 1000, 4}, 1};
    limits.closed(Address::v4(1));
    CHECK(limits.admit(Address::v4(1), start) == Verdict::admitted);
    CHECK(limits.admit(Address::v4(1), start) == Verdict::too_many_open);
  }
}

} // namespace dstack::route
