#include "gateway/name_cache.hpp"

#include <doctest/doctest.h>

namespace dstack::gateway {

namespace {

NameCache::Answer target(std::uint16_t port)
{
  return route::CustomTarget{"a1", port};
}

} // namespace

TEST_SUITE("gateway::NameCache")
{
  TEST_CASE("answers last as long as DNS says, errors ten seconds at most, nothing for ever")
  {
    NameCache cache;
    cache.put("a.x", target(1), 60'000, Time{0});
    cache.put("b.x", fail(Errc::not_found, "none"), 60'000, Time{0});
    cache.put("c.x", target(3), 999'999'999, Time{0});
    REQUIRE(cache.find("a.x", Time{59'999}) != nullptr);
    CHECK(**cache.find("a.x", Time{59'999}) == route::CustomTarget{"a1", 1});
    CHECK(cache.find("a.x", Time{60'000}) == nullptr);
    CHECK(cache.find("b.x", Time{9'999}) != nullptr);
    CHECK(cache.find("b.x", Time{10'000}) == nullptr);
    CHECK(cache.find("c.x", Time{NameCache::most_positive_ms}) == nullptr);
    CHECK(cache.size() == 0);
  }

  TEST_CASE("a newer answer takes the place of the older one")
  {
    NameCache cache;
    cache.put("a.x", fail(Errc::io, "down"), 5'000, Time{0});
    cache.put("a.x", target(2), 5'000, Time{0});
    CHECK(cache.size() == 1);
    CHECK(**cache.find("a.x", Time{1}) == route::CustomTarget{"a1", 2});
  }

  TEST_CASE("the names that were not asked for longest make room")
  {
    NameCache cache;
    for (std::size_t i = 0; i < NameCache::max_names; ++i)
      cache.put(fmt::format("{}.x", i), target(1), 60'000, Time{0});
    CHECK(cache.find("0.x", Time{1}) != nullptr);
    cache.put("new.x", target(1), 60'000, Time{1});
    CHECK(cache.size() == NameCache::max_names);
    CHECK(cache.find("0.x", Time{1}) != nullptr);
    CHECK(cache.find("1.x", Time{1}) == nullptr);
  }
}

} // namespace dstack::gateway
