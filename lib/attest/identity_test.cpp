#include "attest/identity.hpp"
#include "base/test_vectors.hpp"
#include "dcap/quote.hpp"

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
    CHECK(match_config_id(id, identity, "") == ConfigIdMatch::differs);
    CHECK(match_config_id(*mr_config_id_v2(identity), identity, "") == ConfigIdMatch::matches);
    id[0] = 3;
    CHECK(match_config_id(id, identity, "") == ConfigIdMatch::unreadable);
    id[0] = 4; // no guest boots with it
    CHECK(match_config_id(id, identity, "") == ConfigIdMatch::differs);
    id[0] = 2;
    id[47] = 1;
    CHECK(match_config_id(id, identity, "") == ConfigIdMatch::differs);
  }

  TEST_CASE("MRCONFIGID version 2 is the published one (spec guest 20)")
  {
    Identity identity;
    identity.compose_hash = Bytes(32, 0x22);
    identity.app_id = Bytes(20, 0x11);
    identity.key_provider_name = "kms";
    identity.key_provider_id = hex(Bytes(32, 0x33));
    CHECK(hex(*mr_config_id_v2(identity)) ==
          "027f2ca741da9d356026ab20ca640abf06198829a128817b091bbc9aec1ed97b60" +
              std::string(30, '0'));
    identity.key_provider_name = "other";
    CHECK_FALSE(mr_config_id_v2(identity));
  }

  TEST_CASE("one app's MRCONFIGID in every version is the published one (spec host 5.8)")
  {
    const std::string compose = "9085fa0948c9caba1bbdfb7dabb2df59b0180be72fb11d2f3a205dcf20a7661f";
    const std::string app = "9085fa0948c9caba1bbdfb7dabb2df59b0180be7";
    const std::string padding(30, '0');
    CHECK(hex(mr_config_id_v1(*parse_hex_array<32>(compose))) == "01" + compose + padding);
    Identity identity;
    identity.compose_hash = *parse_hex(compose);
    identity.app_id = *parse_hex(app);
    identity.key_provider_name = "kms";
    CHECK(hex(*mr_config_id_v2(identity)) ==
          "02e488a9bfde296cc053f3e4fac968a62391aa6f72a07ee4048ec530f0d1a6721e" + padding);
    const std::string document = R"({"app_id":")" + app + R"(","compose_hash":")" + compose +
                                 R"(","key_provider":"kms","version":3})";
    CHECK(hex(mr_config_id_v3(document)) ==
          "0353bea9849a86260c6743ffbb7295b0cf9970b48d4746c17d0ab2bb7a00e33e23" + padding);
  }

  TEST_CASE("MRCONFIGID version 3 binds a document, and that must be about this app")
  {
    // spec guest 20
    const std::string document =
        R"({"app_id":")" + hex(Bytes(20, 0x11)) + R"(","compose_hash":")" + hex(Bytes(32, 0x22)) +
        R"(","gpu_policy_hash":")" + hex(Bytes(32, 0x55)) + R"(","instance_id":")" +
        hex(Bytes(20, 0x44)) + R"(","key_provider":"kms","key_provider_id":")" +
        hex(Bytes(32, 0x33)) + R"(","version":3})";
    const Bytes id = mr_config_id_v3(document);
    CHECK(hex(id) == "0390e5cffa571b22c2ca846872d6fb7b071aa1346f1a1f87f72869c47b39d94099" +
                         std::string(30, '0'));
    Identity measured = *identity_of_mr_config(document);
    CHECK(match_config_id(id, measured, document) == ConfigIdMatch::matches);
    CHECK(match_config_id(id, measured, document + " ") == ConfigIdMatch::differs);
    CHECK(match_config_id(id, measured, "") == ConfigIdMatch::unreadable);
    for (Bytes Identity::*member : {&Identity::app_id, &Identity::compose_hash,
                                    &Identity::instance_id, &Identity::gpu_policy_hash}) {
      Identity other = measured;
      (other.*member)[0] ^= 1U;
      CHECK(match_config_id(id, other, document) == ConfigIdMatch::differs);
    }
    Identity other = measured;
    other.key_provider_id = "00";
    CHECK(match_config_id(id, other, document) == ConfigIdMatch::differs);
    other = measured;
    other.key_provider_name = "tpm";
    CHECK(match_config_id(id, other, document) == ConfigIdMatch::differs);
    other.key_provider.clear(); // the event has not happened yet
    CHECK(match_config_id(id, other, document) == ConfigIdMatch::matches);
    // The document's hash is right, but it is none.
    CHECK(match_config_id(mr_config_id_v3("{}"), measured, "{}") == ConfigIdMatch::differs);
    // An empty list of scripts is a statement, none is not.
    measured.init_script_hashes = {Bytes(32, 1)};
    CHECK(match_config_id(id, measured, document) == ConfigIdMatch::matches);
    std::string none = document;
    none.insert(none.find(R"("instance_id")"), R"("init_script_hashes":[],)");
    CHECK(match_config_id(mr_config_id_v3(none), measured, none) == ConfigIdMatch::differs);
  }

  TEST_CASE("the MR_CONFIG document comes with the report or within the configuration")
  {
    Attestation a;
    CHECK(mr_config_of(a)->empty());
    a.config = R"({"mr_config":"D","vm_config":"{}"})";
    CHECK(*mr_config_of(a) == "D");
    a.config = R"({"vm_config":"{\"mr_config\":\"E\"}"})";
    CHECK(*mr_config_of(a) == "E");
    a.mr_config = "F";
    CHECK(*mr_config_of(a) == "F");
    a.mr_config.clear();
    a.config = R"({"mr_config":1})";
    CHECK_FALSE(mr_config_of(a));
  }

  TEST_CASE("an MR_CONFIG document of another shape is refused")
  {
    const std::string app = R"("app_id":")" + std::string(40, '1') + R"(",)";
    const std::string compose = R"("compose_hash":")" + std::string(64, '2') + R"(",)";
    const auto good = [](const std::string& members) {
      return bool{identity_of_mr_config("{" + members + "}")};
    };
    CHECK(good(app + compose + R"("key_provider":"local")")); // the version defaults to 3
    CHECK(identity_of_mr_config("{" + app + compose + R"("key_provider":"local"})")
              ->key_provider_name == "local-sgx");
    CHECK_FALSE(good(compose + R"("key_provider":"kms")"));
    CHECK_FALSE(good(app + R"("key_provider":"kms")"));
    CHECK_FALSE(good(app + compose + R"("version":3)"));
    CHECK_FALSE(good(app + compose + R"("key_provider":"sgx")"));
    CHECK_FALSE(good(app + compose + R"("key_provider":"kms","version":2)"));
    CHECK_FALSE(good(app + compose + R"("key_provider":"kms","key_provider_id":"0")"));
    CHECK_FALSE(good(app + compose + R"("key_provider":"kms","init_script_hashes":["00"])"));
    CHECK_FALSE(good(app + compose + R"("key_provider":"kms","gpu_policy_hash":"00")"));
    CHECK_FALSE(good(app + app + compose + R"("key_provider":"kms")"));
  }

  TEST_CASE("a V1 event cannot be renamed within its preimage")
  {
    auto events = boot();
    const RuntimeEvent honest = events[5];
    RuntimeEvent renamed{"key-provider:{\"name\"", to_bytes(R"("kms","id":"00FF"})")};
    CHECK(digest_of(renamed) == digest_of(honest));
    events[5] = renamed;
    CHECK(why(events).find("colon") != std::string::npos);
    events[5] = honest;
    events.push_back({"app:event", {}}); // an app may call its own events so
    CHECK(why(events) == "accepted");
  }

  TEST_CASE("registers and aggregates of a whole boot are those of the specification")
  {
    // spec kms 20.6
    const std::vector<RuntimeEvent> events{
        {"system-preparing", {}},
        {"app-id", Bytes(20, 0xa1)},
        {"compose-hash", Bytes(32, 0xc1)},
        {"instance-id", Bytes(20, 0xb2)},
        {"boot-mr-done", {}},
        {"os-image-hash", Bytes(32, 0xf1)},
        {"key-provider", to_bytes(R"({"name":"kms","id":"aabb"})")},
        {"storage-fs", to_bytes("zfs")},
        {"system-ready", {}}};
    TdxRegisters registers;
    registers.mrtd.fill(1);
    for (std::uint8_t i = 0; i < 3; ++i)
      registers.rtmr.at(i).fill(static_cast<std::uint8_t>(i + 2));
    registers.rtmr[3] = replay_boot(events);
    CHECK(hex(registers.rtmr[3]) ==
          "afcc4d029e2682efd2333cea3e8bafe589a196935d3815ec32ec12bafd4d5b96e4b32dbc5a4b0694f0131867"
          "1baf58a5");
    CHECK(hex(mr_aggregated(registers)) ==
          "b03dbceafa48c4679ec5049bf67bf447392a3dcc00f157aa6568d14dd3ed3c6b");
    CHECK(hex(mr_system(registers, {})) ==
          "277dd3f55ca5f00d78b6df04104ca9e04ad17b871128e38808abc9f6b86faf31");
    const Identity identity = *identity_of(events);
    CHECK(hex(mr_system(registers, identity.key_provider)) ==
          "70c955b59735934d5cd07fc31de680f9c438e013f5579532cdf59024ace07470");
    Sha256Digest compose{};
    compose.fill(0xc1);
    const Bytes id = mr_config_id_v1(compose);
    std::copy(id.begin(), id.end(), registers.mr_config_id.begin());
    CHECK(hex(mr_aggregated(registers)) ==
          "f765f619c12e028ec3e4e87138dfd68473ebc094e08ff810ce30962b28d05e79");
    CHECK(match_config_id(id, identity, "") == ConfigIdMatch::matches);
    Register full;
    for (const RuntimeEvent& event : events)
      full.extend(digest_of(event));
    CHECK(hex(full.value()) ==
          "edc400e614bb302f72fa33243902fab75891d4d020d1bd2e085ed69c807e4d43bf16d6372921d2123bc35dac"
          "95b8c204");
    registers.mr_config_id = {};
    registers.rtmr[3] = full.value();
    CHECK(hex(mr_aggregated(registers)) ==
          "8c211536c2a71cb3f34427a1ca44f877af57bbf32e3e9bb795ec880c3db3b38f");
  }

  TEST_CASE("the published attestation names the app, the values and the aggregates stated of it")
  {
    const auto file = test_vectors() / "attest/attestation.bin"; // spec guest 10.4
    if (!std::filesystem::exists(file)) {
      MESSAGE("not run: no vectors at " << file.string());
      return;
    }
    const Attestation a = *parse_attestation(as_bytes(slurp(file)));
    const auto events = runtime_events_of(a.event_log);
    const Identity identity = *identity_of(events);
    CHECK(hex(identity.app_id) == "5bb4ff9a3837357f19dc176407a5709c62eb6c56");
    CHECK(hex(identity.compose_hash) ==
          "c143116fef3940e7f776bfc0919c256232ae5338a6e948c96b711e0b2383483a");
    CHECK(hex(identity.instance_id) == "1691ed1b47506cad7d08834668691d88246f5b1f");
    CHECK(hex(crypto::sha256(identity.key_provider)) ==
          "f1fe118a703e9896aabc3f69e449a06061c577dd31021f1f7c2c441caee9c2e1");
    CHECK(identity.key_provider_id.size() == 182);
    const dcap::Quote quote = *dcap::parse_quote(a.quote);
    TdxRegisters registers{quote.td.mrtd, quote.td.rtmr, quote.td.mr_config_id, quote.td.mr_owner,
                           quote.td.mr_owner_config};
    CHECK(match_config_id(registers.mr_config_id, identity, "") == ConfigIdMatch::matches);
    CHECK(hex(mr_system(registers, identity.key_provider)) ==
          "51ea38f8eee6dc72dbae9b74531ae6d6204295d265dabb4e6c34621a2a1a1197");
    CHECK(hex(mr_aggregated(registers)) ==
          "85334a62c97d0f8bf82d0245d31b539d17a2d7c258e2a13efc928aaea0e107cb");
    registers.rtmr[3] = replay_boot(events);
    CHECK(hex(registers.rtmr[3]) ==
          "161d4d87fecefcad09ed96ba8f901e58eca0f422b8155e2829ef94ce084a757e88c7f4be29df017ed72531e8"
          "efb643b7");
    CHECK(hex(mr_system(registers, {})) ==
          "ef6af583432288c877e412740aa7d8a844a18920ad98e9b1d95d42a07a3044c8");
    CHECK(hex(mr_aggregated(registers)) ==
          "787f9fe525fcb61e81f31a30225a86674412088f2f1b683a421a7e9cbcd40551");
  }

  TEST_CASE("a published MR_CONFIG document gives the HOST_DATA of its report")
  {
    // vectors/open/attest/manifest.json, sev-snp-attestation.json
    const std::string document =
        R"({"app_id":"86e59625be93207bc2351c4d1bba20037cec8e16","compose_hash":"86e59625be93207bc2351c4d1bba20037cec8e168da6b18f559af5af657b7a23","instance_id":"d378c00e65112c4235bfeb46c6a0f98fd02145a3","key_provider":"kms","key_provider_id":"3059301306072a8648ce3d020106082a8648ce3d0301070342000419b2457dd9b8aa6446d980f136fff7812ecd6c77740eeb0e28b10d56c0c00028a5b6e59dcea307d583bd1f70769e9c116df2bcfb1758a95d8613e7de1c8482c0","version":3})";
    CHECK(hex(mr_config_v3_hash(document)) ==
          "783f0057820acb99249af56cc3b07b4e8d80f65183167cba9cf437bb680f742f");
    CHECK(hex(mr_config_id_v3(document)) ==
          "03783f0057820acb99249af56cc3b07b4e8d80f65183167cba9cf437bb680f742f"
          "000000000000000000000000000000");
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
