#include "guest/log_stream.hpp"

#include "guest/system_info.hpp"

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
    CHECK(log_target(*plain, "ab") ==
          "/containers/ab/logs?stdout=1&stderr=1&follow=0&timestamps=0&tail=all");
    const auto full = request(
        R"({"container":"web","follow":true,"tail":5,"since":"1700000000","timestamps":true})");
    REQUIRE(full);
    CHECK(full->container == "web");
    CHECK(log_target(*full, "ab") ==
          "/containers/ab/logs?stdout=1&stderr=1&follow=1&timestamps=1&tail=5&since=1700000000");
  }

  TEST_CASE("anything that would change the request to dockerd is refused")
  {
    for (const auto bad : {R"({"tail":"5&x=1"})", R"({"since":"yesterday"})", R"({"tail":-1})",
                           R"({"follow":"yes"})", R"({"container":1})"})
      CHECK_FALSE(request(bad));
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

TEST_SUITE("guest system information")
{
  TEST_CASE("memory, load and release are read from what the kernel and the image say")
  {
    constexpr std::string_view memory = "MemTotal:        2014408 kB\nMemAvailable:  100 kB\n";
    CHECK(meminfo_bytes(memory, "MemTotal") == 2014408ULL * 1024);
    CHECK(meminfo_bytes(memory, "SwapTotal") == 0);
    CHECK(load_averages("0.52 1.48 10.09 2/99 1234") == std::vector<std::uint64_t>{52, 148, 1009});
    CHECK(load_averages("") == std::vector<std::uint64_t>{0, 0, 0});
    CHECK(os_release_value("ID=x\nVERSION_ID=\"0.6.0\"\n", "VERSION_ID") == "0.6.0");
    CHECK(os_release_value("ID=x\n", "NAME").empty());
  }
}

} // namespace dstack::guest
