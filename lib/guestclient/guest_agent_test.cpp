#include "guestclient/guest_agent.hpp"

#include "sys/files.hpp"

#include <doctest/doctest.h>

namespace dstack::guestclient {

TEST_SUITE("guestclient::GuestAgent")
{
  TEST_CASE("a guest agent is a socket or a numeric address with a port")
  {
    CHECK(GuestAgent::at("unix:/var/run/dstack.sock"));
    CHECK(GuestAgent::at("http://127.0.0.1:8090/"));
    for (const char* bad : {"", "/var/run/dstack.sock", "http://127.0.0.1", "http://127.0.0.1:0",
                            "http://127.0.0.1:99999", "https://127.0.0.1:1"})
      CHECK_FALSE(GuestAgent::at(bad));
  }

  TEST_CASE("where the guest agent is: as set, as the environment says, or nowhere")
  {
    const auto none = [](const char*) { return std::string{}; };
    const auto named = [](const char* name) {
      return std::string_view{name} == "DSTACK_AGENT_ADDRESS" ? std::string{"unix:/b"}
                                                              : std::string{};
    };
    CHECK(*agent_address("unix:/a", named, "") == "unix:/a");
    CHECK(*agent_address("", named, "") == "unix:/b");
    if (!sys::fs::exists("/var/run/dstack.sock") &&
        !sys::fs::exists("/var/run/dstack/dstack.sock")) {
      const auto nowhere = agent_address("", none, "Do this.");
      CHECK(nowhere.error().code() == Errc::not_found);
      CHECK(nowhere.error().message().ends_with("Do this."));
    }
  }
}

} // namespace dstack::guestclient
