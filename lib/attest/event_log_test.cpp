#include "attest/event_log.hpp"

#include "crypto/hash.hpp"

#include <doctest/doctest.h>

namespace dstack::attest {
namespace {

struct Step {
  const char* name;
  const char* digest;
  const char* register_after;
};

// spec guest 21.2 and 21.3: the whole boot of one app, both log versions.
const std::array<Step, 9> v1_steps{{{"system-preparing",
                                     "f9974020ef507068183313d0ca808e0d1ca9b2d1ad0c61f5784e7157c362c"
                                     "06536f5ddacdad4451693f48fcc72fff624",
                                     "6a9a63f48733aba50d6892c873d838f97351040ddb0b497dcbdb0571ad78d"
                                     "0c1f1b8b3e87a9719706604b6cc5faedee0"},
                                    {"app-id",
                                     "ddd202447c612b8bb8723d2ce3b9882b7cfc0ede203c36b15639cc80b181b"
                                     "61a7692850c5333a1c6effef82a73d0a4f2",
                                     "38a080724e4eb976f7bc89b05c80b32300c7a307e3813457c76327e61d9ff"
                                     "d5e7f3f60574871b494b5ae5a08b0cc27b0"},
                                    {"compose-hash",
                                     "d8b35b90041c4a31c3b6b46c95a902cf45b25aa8cde3b94a48543c2cb36bc"
                                     "40028c553a8899349e4a47658c6087f2c5f",
                                     "38e8065335260cfc7aeec7f87fa35962dba27ba087f2afc5003ad4c72c0e3"
                                     "3ee276516db8bd82465db7774902ce6981d"},
                                    {"gpu-policy-hash",
                                     "aa25b837d81098d56e726cdfd4664eae9a1269362479753d04bdfd239a453"
                                     "88a056f245841910931ea09ff8278b9d482",
                                     "be38e6c8870a834b6396fc66efd92299ed863c656205f53b43eb211355eb0"
                                     "e1011b5595973e5a15988fe22a8d9c1fdf8"},
                                    {"instance-id",
                                     "33a612f97b0923a36f64db28aaad100f6def4a836e5a8e55f410c215701f1"
                                     "fdb956046fa81817fd73a3ca62a574303b3",
                                     "1037a233897c7da2aaf92a55c770bad7b9d1045fd3ae05d15e1a304926ac5"
                                     "29ebc36e3c6aaba9df0787e73fafc0eaef6"},
                                    {"boot-mr-done",
                                     "98bd7e6bd3952720b65027fd494834045d06b4a714bf737a06b874638b3ea"
                                     "00ff402f7f583e3e3b05e921c8570433ac6",
                                     "cfe2b7b394be2905233ee4526631636743eb1f6383fb137df351a58686e97"
                                     "f76559f0a21c8a9656931d7583363624300"},
                                    {"key-provider",
                                     "7f788209b6106d43ad4b0cef85797120c234f175a10b7cb609a73ec1f4285"
                                     "adfe7abca2e1e3d3bd2ba058c2b78d1771d",
                                     "2f6256529e8f7e3153e9b459f668a0cfecef160b2b45b0efab9e8a46e09c8"
                                     "98c45a85cefa9b9e5f482fc66d225e5deef"},
                                    {"storage-fs",
                                     "94eb1c817c35f570ca895b48b46e656e696d1a126581e70022f6f93a8c64d"
                                     "026ece224c6bffbe3bfdfe00bb3447adcd0",
                                     "382ba581fdb8d21aa389decfb18624da2d1d791745017509afefb50a155c8"
                                     "e4445faa153f3d1d52b6f1957477f7d3b6d"},
                                    {"system-ready",
                                     "1a76b2a80a0be71eae59f80945d876351a7a3fb8e9fd1ff1cede5734aa84e"
                                     "a11fd72b4edfbb6f04e5a85edd114c751bd",
                                     "bb353634a14c7c142f8a587196597d36d2ab47f4ed4a49da36acc426dc054"
                                     "bc00616ee11bc99dd3ca66167e8544e404c"}}};
const std::array<Step, 9> v2_steps{{{"system-preparing",
                                     "918e390aef67de4520d37d7e046dd222038e0a8385825072383ab194543ff"
                                     "a3046a9a48fdabbc16e6ba9ff24249ba88f",
                                     "86afd991d313141c644f09725c8b3a6df7328216fbacf5ace6fd8fc79dff9"
                                     "b0fba1572b1973b236f788dc2e9a4b235c2"},
                                    {"app-id",
                                     "f47c886443745c881b9b56ff908516c83817f25ca9187bfa4e97295928112"
                                     "8e3220d47ce057e580e30eb57bfdc04d69a",
                                     "66dde0959fa23f2432a5f99ec4a9b3c42d51ec4fee5b822aa4a668de53f7c"
                                     "1cf8327a43209f2b36f71056a9431616ea6"},
                                    {"compose-hash",
                                     "54b180107fafa61bded26966865d2c933a96232c4e6aa1d283ca3b72344cd"
                                     "38c5368e6977d046a0c7d35f00c8551553c",
                                     "fbe70bfd327cedd7b98005091aeb1b1c6daf789065507d9a03cb688c11b90"
                                     "b68691fc8e8dc0fc74ea83a84c0f99d1066"},
                                    {"gpu-policy-hash",
                                     "ae6f5904abe496a39848dc04f17fe12f114ec9423c9df51cc90f4cd14b72f"
                                     "77ed97b5aa514253a473d1f1e6d0a559fba",
                                     "906ce06db65c9ec72e44c95c59a729bc5c28dd096b41ce3c3710e6ec23778"
                                     "d3956169c28b0993e4e650607f5592663cf"},
                                    {"instance-id",
                                     "d777a3a060be2d14cd14e0e92b1e8864a43afeebbabd9ebd0c3447ac36b13"
                                     "fab9bb7bafe8ac6407f2b9bf391790b405a",
                                     "1518dca62845c3bd73c7684a5bb15291279df1b403e83bfa5f8a9223d8226"
                                     "4634778aac8af75d91b596224a806923651"},
                                    {"boot-mr-done",
                                     "aeadedb6d47c136395e76aaa640667ed1635429ee9a3795e0c97ad11f809b"
                                     "9805b39ba43d07f2e68cf51facd318d350d",
                                     "1a11e24c223a37bc0be8f3eee9d3eae8e499cd450148ae84d26e1c0656c72"
                                     "6ad9ef9920cd46b491b99bda78916ec9a53"},
                                    {"key-provider",
                                     "73e1d8ce8cb6c89f8379018b7d46a3e9674c99eef022dc39813534ddd094b"
                                     "59f9fc10ce13888ffd8475a92432d2820f1",
                                     "f87aca7ef124d6ea90ca3aac442b8dee8759a3e190eece831d59c87b7d921"
                                     "3d8bb302d4940348f049fd261f359a7480e"},
                                    {"storage-fs",
                                     "e3755adb416d99b086c5d430bed91103e786ae1d032903e4d6305672b0d0b"
                                     "182d5935d1e9b4fc05f9c3d87ceda75a771",
                                     "4b88e04a51d72d1030f46592f6625da06a0c43a7ae36669241ad9fd89a498"
                                     "b96afdfbe3a62edb6febd2bb2e348b8b9cd"},
                                    {"system-ready",
                                     "8c748e7cf5aa7ef37f036bd15cb78308279511a408bcd2aab352802cccd79"
                                     "cf07d7d5e4d174c5b311f2d98f35f53ccd6",
                                     "76ce8ccbd525202c99de57f8a53174d60fa983048fc373b7bf20fadb78398"
                                     "65b9f200503149769ffa2da7610b07d526c"}}};

Bytes payload_of(std::string_view name)
{
  if (name == "app-id") return *parse_hex("5bb4ff9a3837357f19dc176407a5709c62eb6c56");
  if (name == "compose-hash")
    return *parse_hex("c143116fef3940e7f776bfc0919c256232ae5338a6e948c96b711e0b2383483a");
  if (name == "gpu-policy-hash") {
    const auto hash = empty_gpu_policy_hash();
    return {hash.begin(), hash.end()};
  }
  if (name == "instance-id") return *parse_hex("1691ed1b47506cad7d08834668691d88246f5b1f");
  if (name == "key-provider") return to_bytes(R"({"name":"none","id":""})");
  if (name == "storage-fs") return to_bytes("ext4");
  return {};
}

template <class Steps> void check_boot(const Steps& steps, EventVersion version)
{
  Register rtmr3;
  std::vector<TdxEvent> log;
  for (const Step& step : steps) {
    CAPTURE(step.name);
    const RuntimeEvent event{step.name, payload_of(step.name), version};
    CHECK(hex(digest_of(event)) == step.digest);
    rtmr3.extend(digest_of(event));
    CHECK(hex(rtmr3.value()) == step.register_after);
    log.push_back(to_tdx_event(event));
    CHECK(*from_log_line(to_log_line(event)) == event);
  }
  auto read = log_from_json(to_json(log));
  REQUIRE(read);
  CHECK(*replay(*read, 3) == rtmr3.value());
  for (TdxEvent& event : *read)
    event.digest.reset();
  CHECK(*replay(*read, 3) == rtmr3.value());
}

} // namespace

TEST_SUITE("attest::event_log")
{
  TEST_CASE("single events hash as published")
  {
    const RuntimeEvent v1{"app-id", *parse_hex("deadbeef"), EventVersion::v1};
    CHECK(hex(preimage_of(v1)) == "010000083a6170702d69643adeadbeef");
    CHECK(hex(digest_of(v1)) ==
          "67b4be4efed0893cfa2bb1d35dca209ad8348b4c97f980807bcde8b9a0f26398dd0"
          "923d6eccb5aa2096d98046da8740f");
    CHECK(hex(crypto::sha256(preimage_of(v1))) ==
          "1e37acb63ad67dd7c04be2f1b4d1cb875bef39447fe4196ab0b8296829fad651");
    const RuntimeEvent v2{"compose-hash", *parse_hex("abcd"), EventVersion::v2};
    CHECK(as_text(preimage_of(v2)) ==
          R"({"name":"compose-hash","payload":"abcd","type":134217729})");
    CHECK(hex(digest_of(v2)) ==
          "9dde1673f544faa94b921825209593ddde08d0baf9cd6990175dffaf3081f1bb103"
          "11d56de189491feb33842a050ad7b");
  }

  TEST_CASE("a whole boot gives the published registers, log version 1")
  {
    check_boot(v1_steps, EventVersion::v1);
  }

  TEST_CASE("a whole boot gives the published registers, log version 2")
  {
    check_boot(v2_steps, EventVersion::v2);
  }

  TEST_CASE("events are written with the published keys, in their order, all bytes as hex")
  {
    const RuntimeEvent event{"compose-hash", *parse_hex("abcd"), EventVersion::v2};
    CHECK(codec::write_json(to_json(to_tdx_event(event))) ==
          R"({"imr":3,"event_type":134217729,"digest":")" + hex(digest_of(event)) +
              R"(","event":"compose-hash","event_payload":"abcd","version":2,"preimage":")" +
              hex(preimage_of(event)) + R"("})");
    const RuntimeEvent first{"x\b\f\x1f\"", {}, EventVersion::v1};
    CHECK(to_json(to_tdx_event(first)).find("preimage") == nullptr);
    CHECK(to_json(to_tdx_event(first)).find("version") == nullptr);
    const RuntimeEvent second{first.name, {}, EventVersion::v2};
    CHECK(as_text(preimage_of(second)) ==
          R"({"name":"x\b\f\u001f\"","payload":"","type":134217729})");
  }

  TEST_CASE("a log that lies about a digest or a preimage is refused")
  {
    TdxEvent event = to_tdx_event({"app-id", {1, 2}, EventVersion::v2});
    CHECK(replay({event}, 3));
    TdxEvent other_digest = event;
    (*other_digest.digest)[0] ^= 1U;
    CHECK(replay({other_digest}, 3).error().code() == Errc::untrusted);
    TdxEvent other_preimage = event;
    other_preimage.preimage += " ";
    CHECK(replay({other_preimage}, 3).error().code() == Errc::untrusted);
    TdxEvent boot;
    boot.imr = 1;
    CHECK(!replay({boot}, 1));
    CHECK(!log_from_json(*codec::parse_json(R"([{"imr":4,"event_type":1}])")));
    CHECK(!log_from_json(*codec::parse_json(R"([{"imr":3,"event_type":1,"digest":"00"}])")));
    CHECK(!log_from_json(*codec::parse_json(R"({})")));
    CHECK(!from_log_line(R"({"event":"x","payload":"?"})"));
  }

  TEST_CASE("identity values follow their definitions")
  {
    CHECK(hex(empty_gpu_policy_hash()) ==
          "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
    Sha256Digest compose;
    compose.fill(0x22);
    CHECK(hex(mr_config_id_v1(compose)) == "01" + hex(compose) + std::string(30, '0'));
    TdxRegisters registers;
    const auto without = mr_aggregated(registers);
    CHECK(without == crypto::sha256(Bytes(240, 0)));
    registers.mr_config_id[0] = 1;
    CHECK(mr_aggregated(registers) != without);
    CHECK(mr_system(registers, {}) == crypto::sha256(Bytes(224, 0)));
  }
}

} // namespace dstack::attest
