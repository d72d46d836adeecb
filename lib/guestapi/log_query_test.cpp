#include "guestapi/log_query.hpp"

#include <doctest/doctest.h>

namespace dstack::guestapi {

namespace {

constexpr Time now{1'700'000'000'500};

std::string problem(std::string_view query)
{
  const auto parsed = parse_log_query(query, now);
  return parsed ? "" : parsed.error().message();
}

std::int64_t since(std::string_view text)
{
  const auto parsed = parse_log_query(fmt::format("since={}", text), now);
  REQUIRE(parsed);
  return parsed->since;
}

} // namespace

TEST_SUITE("guestapi::parse_log_query")
{
  TEST_CASE("nothing asked is the last 1000 lines as JSON")
  {
    const auto plain = parse_log_query("", now);
    REQUIRE(plain);
    CHECK(plain->tail == "1000");
    CHECK(plain->since == 0);
    CHECK(plain->until == 0);
    CHECK_FALSE(plain->follow);
    CHECK_FALSE(plain->form.text);
  }

  TEST_CASE("the dashboard's link is understood")
  {
    const auto link = parse_log_query("text&bare&timestamps&follow&tail=20", now);
    REQUIRE(link);
    CHECK(link->form.text);
    CHECK(link->form.bare);
    CHECK_FALSE(link->form.ansi);
    CHECK(link->timestamps);
    CHECK(link->follow);
    CHECK(link->tail == "20");
  }

  TEST_CASE("flags: present, true, on and yes")
  {
    for (const auto yes : {"ansi", "ansi=", "ansi=true", "ansi=on", "ansi=yes"}) {
      const auto parsed = parse_log_query(yes, now);
      REQUIRE(parsed);
      CHECK(parsed->form.ansi);
    }
    for (const auto no : {"ansi=false", "ansi=off", "ansi=no"}) {
      const auto parsed = parse_log_query(no, now);
      REQUIRE(parsed);
      CHECK_FALSE(parsed->form.ansi);
    }
    CHECK(problem("follow=maybe") == "Invalid follow");
    CHECK(problem("follow&follow") == "Invalid query");
  }

  TEST_CASE("moments are absolute seconds or so long ago")
  {
    CHECK(since("") == 0);
    CHECK(since("0") == 0);
    CHECK(since("1600000000") == 1'600'000'000);
    CHECK(since("90s") == 1'699'999'910);
    CHECK(since("5m") == 1'699'999'700);
    CHECK(since("2h") == 1'699'992'800);
    CHECK(since("1d") == 1'699'913'600);
    CHECK(since("99999999999d") == 1); // before the epoch: from the start, not "no limit"
    for (const auto bad :
         {"yesterday", "5", "5w", "s", "-5s", "+5s", "5.5h", "1e9s", " 5s", "99999999999999999999",
          "9223372036854775808", "99999999999999999999s", "1%20"}) {
      CAPTURE(bad);
      const bool number = std::string_view{bad} == "5";
      CHECK(problem(fmt::format("since={}", bad)) == (number ? "" : "Invalid since"));
      CHECK(problem(fmt::format("until={}", bad)) == (number ? "" : "Invalid until"));
    }
  }

  TEST_CASE("tail is a number or all, never more of the request to dockerd")
  {
    CHECK(parse_log_query("tail=all", now)->tail == "all");
    CHECK(parse_log_query("tail=", now)->tail == "all");
    CHECK(parse_log_query("tail=007", now)->tail == "7");
    for (const auto bad : {"tail=5%26x=1", "tail=-1", "tail=9999999999", "tail=ten"})
      CHECK(problem(bad) == "Invalid tail");
    CHECK(problem("since=%zz") == "Invalid query");
    CHECK(problem(std::string(5000, 'a')) == "Invalid query");
  }
}

} // namespace dstack::guestapi
