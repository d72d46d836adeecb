#include "gatewayclient/handshakes.hpp"

#include <doctest/doctest.h>

namespace dstack::gatewayclient {

TEST_SUITE("gatewayclient::newest_handshake")
{
  TEST_CASE("the newest of all peers, as wg prints them")
  {
    CHECK(*newest_handshake("a=\t1700000000\nb=\t1700000300\nc=\t0\n") == 1'700'000'300);
    CHECK(*newest_handshake("a=\t0\n") == 0);
    CHECK(*newest_handshake("") == 0);
  }

  TEST_CASE("what wg does not print is refused")
  {
    for (const char* text : {"a=", "a=\t", "a=\tx", "a=\t-1", "a=\t1\t2", "a= 1",
                             "a=\t253402300800", "Unable to access interface: No such device"}) {
      CAPTURE(text);
      CHECK_FALSE(newest_handshake(text));
    }
  }
}

} // namespace dstack::gatewayclient
