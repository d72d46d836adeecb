#include "attest/identity.hpp"
#include "guest/events.hpp"
#include "guestapi/boot_events.hpp"

#include "base/text.hpp"
#include "sys/test_directory.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

namespace dstack::guest {

namespace {

/// Stands in for the TEE: one register, and what it was extended with.
struct FakeTee {
  attest::Register rtmr3{};
  EventRecorder::Extend extend()
  {
    return [this](const attest::Sha384Digest& digest) {
      rtmr3.extend(digest);
      return Status{ok()};
    };
  }
};

template <std::size_t N> std::array<std::uint8_t, N> bytes(std::string_view text)
{
  const auto parsed = parse_hex_array<N>(text);
  REQUIRE(parsed);
  return *parsed;
}

/// Identity of the upstream fixture (spec guest 10.4).
Identity fixture()
{
  Identity out;
  out.app_id = bytes<20>("5bb4ff9a3837357f19dc176407a5709c62eb6c56");
  out.compose_hash = bytes<32>("c143116fef3940e7f776bfc0919c256232ae5338a6e948c96b711e0b2383483a");
  out.instance_id = to_bytes(ByteView{bytes<20>("1691ed1b47506cad7d08834668691d88246f5b1f")});
  return out;
}

compose::AppCompose app()
{
  const auto parsed = compose::parse_app_compose(
      R"({"manifest_version":2,"name":"x","runner":"docker-compose","docker_compose_file":""})");
  REQUIRE(parsed);
  return *parsed;
}

/// The whole sequence of a boot without KMS; the register after each event.
std::vector<std::string> boot_sequence(attest::EventVersion version, FakeTee& tee)
{
  const sys::TestDirectory scratch;
  auto recorder = EventRecorder::open(scratch.path, version, tee.extend());
  REQUIRE(recorder);
  REQUIRE(record_boot_events(*recorder, fixture(), app()));
  std::vector<std::string> out{hex(tee.rtmr3.value())};
  REQUIRE(recorder->record("key-provider", as_bytes(guestapi::key_provider_payload("none", {}))));
  out.push_back(hex(tee.rtmr3.value()));
  REQUIRE(recorder->record("storage-fs", as_bytes("ext4")));
  REQUIRE(recorder->record("system-ready", {}));
  out.push_back(hex(tee.rtmr3.value()));
  return out;
}

} // namespace

TEST_SUITE("guest::EventRecorder")
{
  TEST_CASE("trap 15: a whole V1 boot leaves the registers of spec guest 21.2")
  {
    FakeTee tee;
    const auto after = boot_sequence(attest::EventVersion::v1, tee);
    CHECK(after[0] ==
          "cfe2b7b394be2905233ee4526631636743eb1f6383fb137df351a58686e97f76559f0a21c8a9656931"
          "d7583363624300");
    CHECK(after[1] ==
          "2f6256529e8f7e3153e9b459f668a0cfecef160b2b45b0efab9e8a46e09c898c45a85cefa9b9e5f482"
          "fc66d225e5deef");
    CHECK(after[2] ==
          "bb353634a14c7c142f8a587196597d36d2ab47f4ed4a49da36acc426dc054bc00616ee11bc99dd3ca6"
          "6167e8544e404c");
  }

  TEST_CASE("a whole V2 boot leaves the registers of spec guest 21.3")
  {
    FakeTee tee;
    const auto after = boot_sequence(attest::EventVersion::v2, tee);
    CHECK(after[0] ==
          "1a11e24c223a37bc0be8f3eee9d3eae8e499cd450148ae84d26e1c0656c726ad9ef9920cd46b491b99"
          "bda78916ec9a53");
    CHECK(after[2] ==
          "76ce8ccbd525202c99de57f8a53174d60fa983048fc373b7bf20fadb7839865b9f200503149769ffa2"
          "da7610b07d526c");
  }

  TEST_CASE("the log has one private line per event, written after the register took it")
  {
    const sys::TestDirectory scratch;
    bool refuse = false;
    const auto extend = [&](const attest::Sha384Digest&) -> Status {
      if (refuse) return fail(Errc::io, "register refused");
      return ok();
    };
    auto recorder = EventRecorder::open(scratch.path, attest::EventVersion::v1, extend);
    REQUIRE(recorder);
    REQUIRE(recorder->record("app-id", Bytes{0xde, 0xad}));
    refuse = true;
    CHECK_FALSE(recorder->record("compose-hash", Bytes{1}));
    const auto log = sys::read_text(scratch.path / "runtime_events.log", 4096);
    REQUIRE(log);
    CHECK(*log == "{\"event\":\"app-id\",\"payload\":\"3q0=\"}\n");
    struct stat info {};
    REQUIRE(::stat((scratch.path / "runtime_events.log").c_str(), &info) == 0);
    CHECK((info.st_mode & 0777U) == 0600);
    CHECK(recorder->events().size() == 1);
  }

  TEST_CASE("a second boot in the same log is refused, by the guest and by who reads it")
  {
    const sys::TestDirectory scratch;
    FakeTee tee;
    auto first = EventRecorder::open(scratch.path, attest::EventVersion::v1, tee.extend());
    REQUIRE(first);
    REQUIRE(record_boot_events(*first, fixture(), app()));
    const auto second = EventRecorder::open(scratch.path, attest::EventVersion::v1, tee.extend());
    REQUIRE_FALSE(second);
    CHECK(second.error().code() == Errc::denied);
    // Whoever replays them all the same makes a log with two identities.
    REQUIRE(first->record("key-provider", as_bytes(guestapi::key_provider_payload("none", {}))));
    CHECK(attest::identity_of(first->events()));
    REQUIRE(record_boot_events(*first, fixture(), app()));
    CHECK_FALSE(attest::identity_of(first->events()));
  }

  TEST_CASE("the version is fixed once")
  {
    const sys::TestDirectory scratch;
    FakeTee tee;
    REQUIRE(EventRecorder::open(scratch.path, attest::EventVersion::v2, tee.extend()));
    REQUIRE(EventRecorder::open(scratch.path, attest::EventVersion::v2, tee.extend()));
    const auto other = EventRecorder::open(scratch.path, attest::EventVersion::v1, tee.extend());
    REQUIRE_FALSE(other);
    CHECK(other.error().code() == Errc::denied);
  }
}

TEST_SUITE("guest::identify")
{
  TEST_CASE("instance id is the hash of seed and app id (spec guest 21.4)")
  {
    InstanceInfo known;
    known.instance_id_seed = Bytes(20, 1);
    known.app_id = Bytes(20, 2);
    const Bytes fresh(20, 7);
    const auto kept =
        identify(as_bytes("{}"), known, InstanceIds::wanted, Continuity::persistent, fresh);
    CHECK(hex(kept.instance_id) == "e3783929a196ec9479a1b1a4abb0a19873bb2e58");
    CHECK(to_bytes(ByteView{kept.app_id}) == known.app_id);
  }

  TEST_CASE("without continuity the seed is fresh; without a known app id it is the hash's start")
  {
    InstanceInfo known;
    known.instance_id_seed = Bytes(20, 1);
    const Bytes fresh(20, 7);
    const auto made =
        identify(as_bytes("{}"), known, InstanceIds::wanted, Continuity::each_boot_new, fresh);
    CHECK(made.seed == fresh);
    CHECK(hex(made.app_id) == hex(made.compose_hash).substr(0, 40));
    const auto none =
        identify(as_bytes("{}"), {}, InstanceIds::unwanted, Continuity::persistent, fresh);
    CHECK(none.instance_id.empty());
    CHECK(none.seed == fresh);
  }
}

} // namespace dstack::guest
