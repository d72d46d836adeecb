#include "compose/version_range.hpp"

#include "compose/requirements.hpp"

#include <doctest/doctest.h>

namespace dstack::compose {

TEST_SUITE("compose::version_range")
{
  TEST_CASE("requirements are met as Cargo meets them")
  {
    const auto met = [](const char* requirement, const char* version) {
      CAPTURE(requirement);
      CAPTURE(version);
      REQUIRE(check_version_requirement(requirement));
      const auto result = version_satisfies(requirement, version);
      REQUIRE(result);
      return *result;
    };
    for (const char* yes : {"*", "0.6.0", "^0.6", "~0.6.0", "=0.6", ">=0.5", ">=0.6.0, <0.7.0",
                            "0.*", "0.6.*", "<=0.6.0", ">0.5", "<1", "0", "^0"})
      CHECK(met(yes, "0.6.0"));
    for (const char* no : {"0.5", "^0.5", "~0.5.9", "=0.6.1", ">0.6", ">0.6.0", "<0.6.0", "1.*",
                           "0.5.*", ">=0.5, <0.6", "^1"})
      CHECK_FALSE(met(no, "0.6.0"));
    CHECK(met("^1.2.3", "1.9.0"));
    CHECK_FALSE(met("^1.2.3", "1.2.2"));
    CHECK_FALSE(met("^1.2.3", "2.0.0"));
    CHECK(met("~1.2.3", "1.2.9"));
    CHECK_FALSE(met("~1.2.3", "1.3.0"));
    CHECK(met("^0.0.3", "0.0.3"));
    CHECK_FALSE(met("^0.0.3", "0.0.4"));
    CHECK(met("~1", "1.9.9"));
    CHECK(met(">=0.6.0", "0.6.0+build.1"));
  }

  TEST_CASE("a pre-release satisfies only who asks for one of that version")
  {
    CHECK_FALSE(*version_satisfies(">=0.6.0", "0.7.0-rc.1"));
    CHECK_FALSE(*version_satisfies("*", "0.7.0-rc.1"));
    CHECK(*version_satisfies(">=0.7.0-rc.1", "0.7.0-rc.1"));
    CHECK(*version_satisfies(">=0.7.0-rc.1", "0.7.0-rc.10"));
    CHECK_FALSE(*version_satisfies(">=0.7.0-rc.2", "0.7.0-rc.1"));
    CHECK_FALSE(*version_satisfies(">=0.7.0-rc.1", "0.7.1-rc.1"));
    CHECK(*version_satisfies(">=0.7.0-rc.1", "0.7.0"));
    CHECK_FALSE(*version_satisfies("<0.7.0-alpha", "0.7.0-rc.1"));
    CHECK(*version_satisfies("<0.7.0-rc.word", "0.7.0-rc.1"));
  }

  TEST_CASE("a version that is none")
  {
    CHECK_FALSE(version_satisfies("*", ""));
    CHECK_FALSE(version_satisfies("*", "0.6"));
    CHECK_FALSE(version_satisfies("*", "a.b.c"));
  }
}

} // namespace dstack::compose
