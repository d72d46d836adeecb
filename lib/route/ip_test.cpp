#include "route/ip.hpp"

#include <doctest/doctest.h>

namespace dstack::route {
namespace {

std::string round_trip(std::string_view text)
{
  const auto got = parse_address(text);
  return got ? got->text() : got.error().message();
}

std::string network(std::string_view text)
{
  const auto got = parse_network(text);
  return got ? got->text() : got.error().message();
}

} // namespace

TEST_SUITE("route::ip")
{
  TEST_CASE("addresses read as they are written, and nothing else is one")
  {
    CHECK(round_trip("192.0.2.1") == "192.0.2.1");
    CHECK(round_trip("2001:DB8:0::1") == "2001:db8::1");
    CHECK(round_trip("::") == "::");
    for (const std::string_view bad :
         {"", "1", "1.2.3", "01.2.3.4", "1.2.3.4 ", " 1.2.3.4", "1.2.3.256", "1.2.3.4:80", "[::1]",
          "::1%lo", "1.2.3.4/8", "a.example", ":::", "1:2:3:4:5:6:7:8:9"}) {
      CAPTURE(bad);
      CHECK(!parse_address(bad));
    }
    CHECK(!parse_address(std::string_view{"1.2.3.4\0", 8}));
    CHECK(!parse_address(std::string(100'000, ':')));
  }

  TEST_CASE("an IPv4-mapped address is the IPv4 address")
  {
    CHECK(round_trip("::ffff:192.0.2.1") == "192.0.2.1");
    CHECK(*parse_address("::ffff:192.0.2.1") == Address::v4(0xc000'0201));
    CHECK(parse_address("::ffff:192.0.2.1")->v4_value() == 0xc000'0201);
  }

  TEST_CASE("networks hold what their prefix says")
  {
    const Network ten = *parse_network("10.0.0.0/9");
    CHECK(ten.contains(*parse_address("10.127.255.255")));
    CHECK(!ten.contains(*parse_address("10.128.0.0")));
    CHECK(!ten.contains(*parse_address("::1")));
    CHECK(parse_network("0.0.0.0/0")->contains(*parse_address("203.0.113.9")));
    CHECK(!parse_network("::/0")->contains(*parse_address("203.0.113.9")));
    CHECK(parse_network("2001:db8::/33")->contains(*parse_address("2001:db8:7fff::1")));
    CHECK(!parse_network("2001:db8::/33")->contains(*parse_address("2001:db8:8000::1")));
    CHECK(ten.contains(*parse_network("10.1.0.0/16")));
    CHECK(!ten.contains(*parse_network("10.0.0.0/8")));
  }

  TEST_CASE("networks are written without host bits, and prefixes in range")
  {
    CHECK(network("10.8.0.0/16") == "10.8.0.0/16");
    CHECK(network("10.8.0.1") == "10.8.0.1/32");
    CHECK(network("::1") == "::1/128");
    CHECK(network("10.8.0.1/16") == "10.8.0.1/16 has host bits set (the network is 10.8.0.0/16)");
    CHECK(network("10.0.0.0/33") == "prefix 33 (want 0 to 32)");
    CHECK(network("10.0.0.0/08") == "prefix 08 (want 0 to 32)");
    CHECK(!parse_network("10.0.0.0/"));
    CHECK(!parse_network("10.0.0.0/-1"));
    CHECK(parse_address_in_network("10.8.0.1/16")->network().text() == "10.8.0.0/16");
    CHECK(!parse_address_in_network("10.8.0.1"));
  }

  TEST_CASE("a mapped address never makes a network of the other family")
  {
    CHECK(network("::ffff:10.0.0.0/104") == "prefix 104 (want 0 to 32)");
    CHECK(network("::/80") == "::/80");
  }

  TEST_CASE("endpoints are written so that the port can be told apart")
  {
    CHECK(Endpoint{*parse_address("192.0.2.1"), 80}.text() == "192.0.2.1:80");
    CHECK(Endpoint{*parse_address("2001:db8::1"), 80}.text() == "[2001:db8::1]:80");
  }

  TEST_CASE("endpoints are read as they are written, and in no other way")
  {
    for (const char* good : {"192.0.2.1:80", "0.0.0.0:0", "[2001:db8::1]:65535", "[::]:443"})
      CHECK(parse_endpoint(good)->text() == good);
    for (const char* bad : {"", ":80", "192.0.2.1", "192.0.2.1:", "192.0.2.1:65536", "::1:80",
                            "[192.0.2.1]:80", "host:80", "[::1]", "192.0.2.1:-1", "[::1%lo]:80"})
      CHECK_MESSAGE(!parse_endpoint(bad), bad);
  }
}

} // namespace dstack::route
