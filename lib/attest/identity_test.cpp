#include "attest/identity.hpp"

#include <doctest/doctest.h>

namespace dstack::attest {
namespace {

std::vector<RuntimeEvent> boot()
{
  return {{"system-preparing", {}},
          {"app-id", Bytes(20, 1)},
          {"compose-hash", Bytes(32, 2)},
          {"instance-id", Bytes(20, 3)},
          {"boot-mr-done", {}},
          {"key-provider", to_bytes(R"({"name":"kms","id":"00FF"})")},
          {"storage-fs", to_bytes("ext4")},
          {"system-ready", {}}};
}

std::string why(const std::vector<RuntimeEvent>& events)
{
  const auto identity = identity_of(events);
  return identity ? "accepted" : identity.error().message();
}

} // namespace

TEST_SUITE("attest::identity")
{
  TEST_CASE("the identity is what the log says before system-ready")
  {
    auto events = boot();
    events.push_back({"app-id", Bytes(20, 9)}); // the app's own, later
    const auto identity = identity_of(events);
    REQUIRE(identity);
    CHECK(identity->app_id == Bytes(20, 1));
    CHECK(identity->instance_id == Bytes(20, 3));
    CHECK(identity->key_provider_name == "kms");
    CHECK(identity->key_provider_id == "00ff");
    CHECK(identity->storage_fs == "ext4");
    CHECK(identity->booted);
    const std::vector<RuntimeEvent> prefix(events.begin(), events.begin() + 5);
    CHECK(replay_boot(events) == replay_boot(prefix));
  }

  TEST_CASE("an identity event twice, missing or misshapen is refused by name")
  {
    auto events = boot();
    events.insert(events.begin() + 3, {"compose-hash", Bytes(32, 7)});
    CHECK(why(events) == "event 'compose-hash' is in the log twice");
    events = boot();
    events.insert(events.begin() + 6, {"os-image-hash", Bytes(32, 7)});
    events.insert(events.begin() + 6, {"os-image-hash", Bytes(32, 7)});
    CHECK(why(events) == "event 'os-image-hash' is in the log twice");
    events = boot();
    events.erase(events.begin() + 1);
    CHECK(why(events) == "the event log has no 'app-id'");
    events = boot();
    events[2].payload.pop_back();
    CHECK(why(events) == "event 'compose-hash' has 31 bytes (want 32)");
    events = boot();
    events[5].payload = to_bytes("{");
    CHECK(why(events).starts_with("event 'key-provider': JSON"));
  }

  TEST_CASE("MRCONFIGID binds the compose hash, or the document")
  {
    Identity identity = *identity_of(boot());
    Bytes id = mr_config_id_v1(Sha256Digest{});
    CHECK(match_config_id(Bytes(48, 0), identity, "") == ConfigIdMatch::unset);
    CHECK(match_config_id(id, identity, "") == ConfigIdMatch::differs);
    std::copy(identity.compose_hash.begin(), identity.compose_hash.end(), id.begin() + 1);
    CHECK(match_config_id(id, identity, "") == ConfigIdMatch::matches);
    id[0] = 2;
    CHECK(match_config_id(id, identity, "") == ConfigIdMatch::unreadable);
    const Bytes v3 = ByteWriter{}.u8(3).put(mr_config_v3_hash("{}")).zeros(15).take();
    CHECK(match_config_id(v3, identity, "{}") == ConfigIdMatch::matches);
    CHECK(match_config_id(v3, identity, "{ }") == ConfigIdMatch::differs);
    CHECK(match_config_id(v3, identity, "") == ConfigIdMatch::unreadable);
  }

  TEST_CASE("a published MR_CONFIG document gives the HOST_DATA of its report")
  {
    // vectors/open/attest/manifest.json, sev-snp-attestation.json
    const std::string document =
        R"({"app_id":"86e59625be93207bc2351c4d1bba20037cec8e16","compose_hash":"86e59625be93207bc2351c4d1bba20037cec8e168da6b18f559af5af657b7a23","instance_id":"d378c00e65112c4235bfeb46c6a0f98fd02145a3","key_provider":"kms","key_provider_id":"3059301306072a8648ce3d020106082a8648ce3d0301070342000419b2457dd9b8aa6446d980f136fff7812ecd6c77740eeb0e28b10d56c0c00028a5b6e59dcea307d583bd1f70769e9c116df2bcfb1758a95d8613e7de1c8482c0","version":3})";
    CHECK(hex(mr_config_v3_hash(document)) ==
          "783f0057820acb99249af56cc3b07b4e8d80f65183167cba9cf437bb680f742f");
    const auto identity = identity_of_mr_config(document);
    REQUIRE(identity);
    CHECK(hex(identity->app_id) == "86e59625be93207bc2351c4d1bba20037cec8e16");
    CHECK(identity->key_provider_name == "kms");
    CHECK_FALSE(identity_of_mr_config(R"({"version":3})")); // would be keys for nobody
    CHECK_FALSE(identity_of_mr_config(R"({"app_id":"00","version":3})"));
    CHECK_FALSE(identity_of_mr_config(R"({"app_id":"86e59625be93207bc2351c4d1bba20037cec8e16"})"));
    CHECK_FALSE(identity_of_mr_config(
        R"({"app_id":"86e59625be93207bc2351c4d1bba20037cec8e16","version":3,"x":1})"));
  }
}

} // namespace dstack::attest
