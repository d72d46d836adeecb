#include "base/address.hpp"

#include <doctest/doctest.h>

namespace dstack {

TEST_SUITE("base::address")
{
  TEST_CASE("addresses in figures, and what only looks like them")
  {
    CHECK(is_ip_address("127.0.0.1"));
    CHECK(is_ip_address("::1"));
    CHECK(is_ip_address("2001:db8::ffff:192.0.2.1"));
    for (const std::string_view text :
         {"", "example.org", "1.2.3.4:80", "1.2.3", "1.2.3.256", "01.2.3.4", "fe80::1%eth0",
          "[::1]", "::1::", "1:2:3", " ::1"}) {
      CAPTURE(text);
      CHECK_FALSE(is_ip_address(text));
    }
    CHECK_FALSE(is_ip_address(std::string_view{"1.2.3.4\0x", 9}));
    CHECK(is_ipv4_address("192.0.2.1"));
    CHECK_FALSE(is_ipv4_address("::1"));
  }

  TEST_CASE("localhost and what is below it are this machine, names that only look so are not")
  {
    for (const char* name : {"localhost", "LocalHost", "kms.localhost"})
      CHECK(is_localhost(name));
    for (const char* name : {"notlocalhost", "localhost.evil.com", "localhost.", "", "127.0.0.1"})
      CHECK_FALSE(is_localhost(name));
  }

  TEST_CASE("an IPv6 network of 64 bits is one customer's, an IPv4 address too")
  {
    CHECK(network_of("2001:db8:0:1::5") == network_of("2001:db8:0:1:ffff::"));
    CHECK(network_of("2001:db8:0:1::5") != network_of("2001:db8:0:2::5"));
    CHECK(network_of("192.0.2.1") == "192.0.2.1");
    CHECK(network_of("localhost") == "localhost");
  }
}

} // namespace dstack
