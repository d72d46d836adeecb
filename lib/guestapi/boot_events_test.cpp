#include "guestapi/boot_events.hpp"

#include <doctest/doctest.h>

namespace dstack::guestapi {

TEST_SUITE("guestapi::boot_events")
{
  TEST_CASE(
      "trap 15: names and order of a whole boot give the published RTMR3 (spec guest 21.2, 21.3)")
  {
    BootIdentity identity;
    identity.app_id = *parse_hex("5bb4ff9a3837357f19dc176407a5709c62eb6c56");
    identity.compose_hash =
        *parse_hex("c143116fef3940e7f776bfc0919c256232ae5338a6e948c96b711e0b2383483a");
    identity.instance_id = *parse_hex("1691ed1b47506cad7d08834668691d88246f5b1f");
    const auto last = [&](attest::EventVersion version) {
      attest::Register rtmr;
      auto events = boot_events(identity, {});
      events.push_back({"key-provider", to_bytes(key_provider_payload("none", {}))});
      events.push_back({"storage-fs", to_bytes("ext4")});
      events.push_back({"system-ready", {}});
      for (const BootEvent& event : events)
        rtmr.extend(attest::digest_of({event.name, event.payload, version}));
      return hex(rtmr.value());
    };
    CHECK(last(attest::EventVersion::v1) ==
          "bb353634a14c7c142f8a587196597d36d2ab47f4ed4a49da36acc426dc054bc0"
          "0616ee11bc99dd3ca66167e8544e404c");
    CHECK(last(attest::EventVersion::v2) ==
          "76ce8ccbd525202c99de57f8a53174d60fa983048fc373b7bf20fadb7839865b"
          "9f200503149769ffa2da7610b07d526c");
  }

  TEST_CASE("each init script is an event, in order")
  {
    compose::AppCompose app;
    app.init_script = {"a", "b"};
    const auto events = boot_events({}, app);
    REQUIRE(events.size() == 8);
    CHECK(events[3].name == "init-script-hash");
    CHECK(hex(events[3].payload).starts_with("ca978112ca1bbdca"));
    CHECK(hex(events[4].payload).starts_with("3e23e8160039594a"));
  }
}

} // namespace dstack::guestapi
