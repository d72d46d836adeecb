#include "agents/vm/settings.hpp"

#include <doctest/doctest.h>

namespace dstack::supervisor {

TEST_SUITE("supervisor settings")
{
  TEST_CASE("the key provider is an address and a port")
  {
    const auto parse = [](const char* text) {
      return parse_settings(codec::Json::object().set("key_provider", text));
    };
    CHECK(parse_settings(codec::Json::object())->key_provider.port == 3443);
    CHECK(parse("")->key_provider.address == "127.0.0.1");
    CHECK(parse("10.0.0.1:99")->key_provider.address == "10.0.0.1");
    CHECK(parse("10.0.0.1:99")->key_provider.port == 99);
    CHECK(parse("[::1]:3443")->key_provider.address == "::1");
    for (const char* bad : {"10.0.0.1", ":1", "1.2.3.4:", "1.2.3.4:0", "1.2.3.4:65536", "a:b"}) {
      CAPTURE(bad);
      CHECK(parse(bad).error().code() == Errc::config);
    }
  }
}

} // namespace dstack::supervisor
