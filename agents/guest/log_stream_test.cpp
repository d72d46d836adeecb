#include "guest/log_stream.hpp"

#include <doctest/doctest.h>

namespace dstack::guest {

namespace {

Result<LogRequest> request(std::string_view json)
{
  return parse_log_request(TRY(codec::parse_json(json)));
}

} // namespace

TEST_SUITE("guest::parse_log_request")
{
  TEST_CASE("numbers and texts are both understood, nothing means everything")
  {
    const auto plain = request("{}");
    REQUIRE(plain);
    CHECK(log_target(plain->query, "ab") ==
          "/containers/ab/logs?stdout=1&stderr=1&follow=0&timestamps=0&tail=all");
    const auto full = request(
        R"({"container":"web","follow":true,"tail":5,"since":"1700000000","timestamps":true})");
    REQUIRE(full);
    CHECK(full->container == "web");
    CHECK(log_target(full->query, "ab") ==
          "/containers/ab/logs?stdout=1&stderr=1&follow=1&timestamps=1&tail=5&since=1700000000");
  }

  TEST_CASE("anything that would change the request to dockerd is refused")
  {
    for (const auto bad : {R"({"tail":"5&x=1"})", R"({"since":"yesterday"})", R"({"tail":-1})",
                           R"({"follow":"yes"})", R"({"container":1})"})
      CHECK_FALSE(request(bad));
    CHECK(log_target({.until = 9}, "a").ends_with("&tail=1000&until=9"));
    CHECK(log_target({}, "a/b?c").find("/containers/a%2Fb%3Fc/logs") == 0);
  }
}

TEST_SUITE("guest::LinePrefixer")
{
  TEST_CASE("each line gets the prefix once, however it is cut")
  {
    LinePrefixer whole{"web | "};
    const std::string text = "one\ntwo\n\nthree";
    const std::string want = "web | one\nweb | two\nweb | \nweb | three";
    CHECK(whole.feed(text) == want);
    LinePrefixer pieces{"web | "};
    std::string out;
    for (const char c : text)
      out += pieces.feed(std::string_view{&c, 1});
    CHECK(out == want);
  }
}

} // namespace dstack::guest
