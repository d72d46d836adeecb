#include "kms/names.hpp"

#include <doctest/doctest.h>

using namespace dstack;
using namespace dstack::kms;

TEST_SUITE("kms::names")
{
  TEST_CASE("a machine's names for itself, and names that only look like them")
  {
    for (const char* local : {"localhost", "LocalHost", "kms.localhost", "127.0.0.1", "127.9.8.7",
                              "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1"}) {
      CAPTURE(local);
      CHECK(is_local(local));
    }
    for (const char* other : {"127.evil.com", "localhost.evil.com", "127.0.0.1.evil.com", "127.1",
                              "notlocalhost", "10.0.0.127", "::2", "::", ""}) {
      CAPTURE(other);
      CHECK_FALSE(is_local(other));
    }
  }

  TEST_CASE("spellings of one address are equal")
  {
    CHECK(parse_address("fe80::1") == parse_address("FE80:0:0::0001"));
    CHECK(parse_address("::ffff:10.0.2.2") == parse_address("10.0.2.2"));
    CHECK(parse_address("10.0.2.2") != parse_address("10.0.2.3"));
    CHECK_FALSE(parse_address("10.0.2"));
    CHECK_FALSE(parse_address("kms.example.com"));
  }

  TEST_CASE("what a name or pattern covers")
  {
    for (const char* asked :
         {"foo.example.com", "*.example.com", "f*o.example.com", "*o.example.com", "f*.example.com",
          "foo*.example.com", "f*o*.example.com", "**.example.com", "foo.*.com", "*.*.*"}) {
      CAPTURE(asked);
      CHECK(covers(asked, "foo.example.com"));
    }
    for (const char* asked :
         {"f*x.example.com", "*.foo.example.com", "*.com", "*", "fo.example.com",
          "foo*o.example.com", "fooo.example.com", "*.example.org"}) {
      CAPTURE(asked);
      CHECK_FALSE(covers(asked, "foo.example.com"));
    }
    CHECK(covers("2001:db8:0::1", "2001:db8::1"));
    CHECK(covers("*.0.2.2", "10.0.2.2"));
  }
}
