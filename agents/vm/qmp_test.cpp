#include "agents/vm/qmp.hpp"

#include <doctest/doctest.h>

namespace dstack::supervisor {

TEST_SUITE("supervisor::Qmp")
{
  TEST_CASE("greeting, capabilities, events, in any pieces")
  {
    const std::string stream =
        "{\"QMP\": {\"version\": {\"qemu\": {\"major\": 7}}, \"capabilities\": [\"oob\"]}}\r\n"
        "{\"return\": {}}\r\n"
        "{\"timestamp\": {\"seconds\": 1}, \"event\": \"SHUTDOWN\", \"data\": {\"guest\": true, "
        "\"reason\": \"guest-reset\"}}\r\n";
    Qmp qmp;
    std::vector<QmpEvent> events;
    for (const char c : stream) {
      const auto more = qmp.feed(as_bytes({&c, 1}));
      REQUIRE(more);
      events.insert(events.end(), more->begin(), more->end());
    }
    CHECK(qmp.take_output() == "{\"execute\":\"qmp_capabilities\"}\n");
    CHECK(qmp.ready());
    REQUIRE(events.size() == 2);
    CHECK(events[0].name.empty());
    CHECK(events[1].name == "SHUTDOWN");
    CHECK(*events[1].data.need_string("reason") == "guest-reset");
  }

  TEST_CASE("answers to later commands are no second readiness")
  {
    Qmp qmp;
    CHECK(qmp.feed(as_bytes("{\"QMP\":{}}\n{\"return\":{}}\n"))->size() == 1);
    qmp.execute("cont");
    CHECK(qmp.feed(as_bytes("{\"return\":{}}\n"))->empty());
  }

  TEST_CASE("what is not the protocol is an error")
  {
    for (const char* bad : {"hello\n", "[]\n", "{\"error\":{\"class\":\"X\",\"desc\":\"no\"}}\n",
                            "{\"event\":3}\n"}) {
      CAPTURE(bad);
      Qmp qmp;
      CHECK(!qmp.feed(as_bytes(bad)));
    }
    Qmp qmp;
    CHECK(!qmp.feed(Bytes(max_qmp_line + 1, 'x')));
  }
}

} // namespace dstack::supervisor
