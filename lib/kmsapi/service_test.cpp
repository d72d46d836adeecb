#include "kmsapi/service.hpp"

#include "kmsapi/test_world.hpp"
#include "x509/certificate.hpp"

#include <doctest/doctest.h>

namespace dstack::kmsapi {

using codec::Json;
using testing::World;

namespace {

Json version(int number)
{
  return Json{}.set("api_version", number);
}

std::string text(const Json& json, std::string_view key)
{
  const auto out = json.get_string(key, "");
  return out ? *out : "not a text";
}

} // namespace

TEST_SUITE("kmsapi::service")
{
  TEST_CASE("GetAppKey releases the published keys (spec kms 20.2, 20.3)")
  {
    World world;
    const Json keys = world.get("GetAppKey", version(1));
    CHECK(text(keys, "disk_crypt_key") ==
          "63a5c5fc418deef7d4a531eb1df26bf4048c0cf2bfa89e6a7e70cb20faa3c1a3");
    CHECK(text(keys, "env_crypt_key") ==
          "cd56fbbd6406be37a8a998ea6a349b4f0110e7ecb13d2677eafd139a9dcdcb7b");
    CHECK(text(keys, "k256_key") ==
          "5edfccf1dd2059e0120fc314be46171f4e358d86fd3d94c36b3a0c6eb67d2c2e");
    CHECK(text(keys, "k256_signature") ==
          "a878816afead050d528ec74310693a3bd292e1208076a98f6091f9a045e4580c484c68bfe094d9106daac5f7"
          "81ced6f868dec37962d1e59adb56a823ded96ec000");
    CHECK(text(keys, "gateway_app_id") == testing::times("99", 20));
    CHECK(text(keys, "tproxy_app_id") == text(keys, "gateway_app_id"));
    CHECK(text(keys, "os_image_hash") == testing::times("f1", 32));
    CHECK(text(keys, "ca_cert") == x509::to_pem(world.state.root->open.root_ca));
    CHECK(keys.find("epoch") == nullptr); // ours, and only when it says something
  }

  TEST_CASE("an app without instances shares one disk key")
  {
    World world;
    auto events = testing::whole_boot();
    events[3].payload.clear();
    world.caller.proven = std::make_shared<const verify::Proven>(testing::proven_app(events));
    CHECK(text(world.get("GetAppKey", version(1)), "disk_crypt_key") ==
          "9216a91a5168ee7d199f1782649a1738038f26b7d9f821d78d53b43aaa4f6287");
  }

  TEST_CASE("GetAppKey asks in the published order, with the published words")
  {
    World world;
    world.state.self = Error{Errc::io, "no guest agent"};
    CHECK(world.why("GetAppKey", version(2)) == "Unsupported API version: 2");
    world.caller.proven.reset();
    CHECK(world.why("GetAppKey", version(1)) == "KMS self authorization failed: no guest agent");
    World nobody;
    nobody.caller.proven.reset();
    CHECK(nobody.why("GetAppKey", version(0)) == "App not allowed: No attestation provided");
    CHECK(nobody.steps == std::vector<std::string>{"decide kms"});
    World changed;
    auto events = testing::whole_boot();
    events[2].payload[0] ^= 1U;
    changed.caller.proven = std::make_shared<const verify::Proven>(testing::proven_app(events));
    CHECK(changed.why("GetAppKey", version(1)).starts_with("App not allowed: Boot denied: "));
    REQUIRE(changed.records.size() == 1);
    CHECK(changed.records[0].allowed == false);
    CHECK(changed.records[0].caller->compose_hash[0] == 0xc0);
    CHECK(changed.records[0].reason.starts_with("App not allowed: Boot denied: "));
    CHECK(changed.records[0].details ==
          std::vector<std::pair<std::string, std::string>>{{"policy", "d1"}});
  }

  TEST_CASE("trap 9: an image that only claims its hash gets nothing")
  {
    World world;
    verify::Proven other = testing::proven_app();
    other.registers->rtmr[2].fill(9);
    world.caller.proven = std::make_shared<const verify::Proven>(other);
    const std::string why = world.why("GetAppKey", version(1));
    CHECK(why.starts_with("App not allowed: "));
    CHECK(why.find("OS image is not what it is called") != std::string::npos);
    World unknown;
    const Json asked = version(1).set(
        "vm_config", fmt::format(R"({{"os_image_hash":"{}"}})", testing::times("f2", 32)));
    CHECK(unknown.why("GetAppKey", asked).starts_with("App not allowed: Boot denied: "));
  }

  TEST_CASE("trap 4: the decision is on the disk before any key is made")
  {
    World world;
    CHECK(world.why("GetAppKey", version(1)) == "answered");
    CHECK(world.steps ==
          std::vector<std::string>{"decide kms", "decide app", "record GetAppKey yes"});
    world.full_disk = true;
    CHECK(world.why("GetAppKey", version(1)) == "audit log: disk full");
    CHECK(world.why("GetKmsKey") == "audit log: disk full");
  }

  TEST_CASE("trap 3: the policy is asked every time, and no answer is a refusal")
  {
    World world;
    for (int i = 0; i < 3; ++i)
      CHECK(world.why("GetAppKey", version(1)) == "answered");
    CHECK(std::count(world.steps.begin(), world.steps.end(), "decide app") == 3);
    World down;
    down.arrangement.self_authorization = false;
    down.unanswered = fail(Errc::denied, "auth api http://a/bootAuth/app: timed out");
    CHECK(down.why("GetAppKey", version(1)) ==
          "App not allowed: auth api http://a/bootAuth/app: timed out");
    CHECK(down.records.at(0).allowed == false);
    down.arrangement.self_authorization = true;
    CHECK(down.why("GetTempCaCert").starts_with("KMS self authorization failed: auth api"));
  }

  TEST_CASE("a KMS that its own policy does not allow hands out nothing")
  {
    std::string rules = testing::policy_text();
    rules.replace(rules.find("mr_aggregated = \"any\""), 21, "mr_aggregated = []");
    World world{rules};
    for (const char* method :
         {"GetAppKey", "GetKmsKey", "GetTempCaCert", "SignCert", "GetAppEnvEncryptPubKey"}) {
      CAPTURE(method);
      CHECK(world.why(method).starts_with("KMS self authorization failed: KMS is not allowed: "));
    }
    CHECK(world.why("GetMeta") == "answered"); // needs none (spec kms 2.1)
    world.arrangement.self_authorization = false;
    CHECK(world.why("GetAppKey", version(1)) == "answered");
  }

  TEST_CASE("trap 6: SEV-SNP needs its gate, after policy and image")
  {
    const std::string document = fmt::format(
        R"({{"app_id":"{}","compose_hash":"{}","instance_id":"{}","key_provider":"kms","version":3}})",
        testing::times("a1", 20), testing::times("c1", 32), testing::times("b2", 20));
    verify::Proven snp = testing::proven_app();
    snp.platform = attest::Platform::amd_sev_snp;
    snp.registers.reset();
    snp.events.clear();
    snp.measurement = Bytes(48, 0x5a);
    snp.mr_config = document;
    snp.host_data = to_bytes(attest::mr_config_v3_hash(document));
    snp.subject.platform_id = Bytes(64, 0x33);
    std::string rules = testing::policy_text();
    rules.replace(rules.find("rtmr1 ="), 0,
                  fmt::format("measurement = [\"{}\"]\n", testing::times("5a", 48)));
    rules.insert(rules.find("[[image]]"), "[evidence]\ntee = [\"dstack-amd-sev-snp\"]\n");
    World world{rules};
    world.arrangement.self_authorization = false;
    world.caller.proven = std::make_shared<const verify::Proven>(snp);
    CHECK(world.why("GetAppKey", version(1)) == "amd sev-snp key release is not enabled");
    world.arrangement.release_sev_snp = true;
    CHECK(world.why("GetAppKey", version(1)) == "answered");
    snp.measurement = Bytes(48, 0x5b);
    world.caller.proven = std::make_shared<const verify::Proven>(snp);
    world.arrangement.release_sev_snp = false;
    CHECK(world.why("GetAppKey", version(1)).find("OS image is not what it is called") !=
          std::string::npos);
    // A document that names no app must not lead to the keys of app "".
    snp.mr_config = R"({"version":3})";
    snp.host_data = to_bytes(attest::mr_config_v3_hash(snp.mr_config));
    world.caller.proven = std::make_shared<const verify::Proven>(snp);
    CHECK(world.why("GetAppKey", version(1)).starts_with("App not allowed: "));
  }

  TEST_CASE("GetKmsKey gives the whole root, after the replication log has it")
  {
    World world;
    const Json keys = world.get("GetKmsKey");
    REQUIRE(keys.need_array("keys"));
    const Json& one = (*keys.need_array("keys"))->items().at(0);
    CHECK(text(one, "k256_key") ==
          "f5f94c8459cfa67d158bfa03a83eca3ea334523c5eacfda235429b2105fed3d8");
    CHECK(text(one, "ca_key").starts_with("-----BEGIN PRIVATE KEY-----"));
    CHECK(text(keys, "temp_ca_key").starts_with("-----BEGIN PRIVATE KEY-----"));
    CHECK(keys.find("epochs") == nullptr);
    CHECK(world.steps == std::vector<std::string>{"decide kms", "decide kms",
                                                  "record GetKmsKey yes", "replicated"});
    world.caller.proven.reset();
    CHECK(world.why("GetKmsKey") == "KMS not allowed: No attestation provided");
  }

  TEST_CASE("GetAppEnvEncryptPubKey: the published key, and both signatures lead to the root")
  {
    World world;
    world.caller.proven.reset(); // anybody may ask
    const Bytes app_id(20, 0xa1);
    const Json answer = world.get("GetAppEnvEncryptPubKey", Json{}.set("app_id", hex(app_id)));
    CHECK(text(answer, "public_key") ==
          "ab1585fd6ea5df34461959c9fa4c6473c8ac97dd997a9b8b1ea2d2d5da6df35b");
    CHECK(*answer.need_u64("timestamp") == 1'767'225'600);
    const auto key = *parse_hex_array<32>(text(answer, "public_key"));
    const auto& root = world.state.root->open.k256;
    CHECK(*keys::env_key_signer(app_id, key, std::nullopt, *parse_hex(text(answer, "signature"))) ==
          root);
    CHECK(*keys::env_key_signer(app_id, key, 1'767'225'600,
                                *parse_hex(text(answer, "signature_v1"))) == root);
  }

  TEST_CASE("trap 5: app ids of 19 and 21 bytes are refused")
  {
    World world;
    for (const std::size_t size : {0U, 19U, 21U})
      CHECK(world.why("GetAppEnvEncryptPubKey", Json{}.set("app_id", hex(Bytes(size, 1)))) ==
            "app_id must be 20 bytes");
    CHECK(world.why("GetAppEnvEncryptPubKey", Json{}.set("app_id", hex(Bytes(20, 1)))) ==
          "answered"); // registered or not
  }

  TEST_CASE("GetMeta says who the KMS is, and does not hide a development arrangement (trap 31)")
  {
    World world;
    Json meta = world.get("GetMeta");
    CHECK(text(meta, "k256_pubkey") ==
          "03e206818ce77f40bdfce29d7b9acd7ea58fa11ae84b59004df31b6783a992924a");
    CHECK(meta.find("bootstrap_info")->is_null());
    CHECK(meta.find("kms_contract_address")->is_null());
    CHECK(meta.find("chain_id")->is_null());
    CHECK_FALSE(*meta.get_bool("is_dev", true));
    CHECK_FALSE(*meta.get_bool("allow_any_upgrade", true));
    CHECK(meta.find("epochs") == nullptr);
    world.arrangement.self_authorization = false;
    CHECK(*world.get("GetMeta").get_bool("is_dev", false));
    World simulated{testing::policy_text() + "[evidence]\nsimulated = true\n"};
    CHECK(*simulated.get("GetMeta").get_bool("is_dev", false));
  }

  TEST_CASE("trap 27: with a webhook GetMeta needs it")
  {
    World world{"rules = \"webhook\"\nwebhook = { url = \"http://127.0.0.1:1\" }\n" +
                testing::policy_text()};
    const Json meta = world.get("GetMeta");
    CHECK(text(meta, "kms_contract_address") == "0xc0");
    CHECK(*meta.need_u64("chain_id") == 8453);
    CHECK(text(meta, "app_auth_implementation") == "0xdd");
    CHECK(text(meta, "gateway_app_id") == "0xaa");
    world.unanswered = fail(Errc::denied, "auth api down");
    CHECK(world.why("GetMeta") == "auth api down");
  }

  TEST_CASE("with a contract GetMeta names it, and asks nobody")
  {
    const std::string chain = "chain = { rpc = \"http://127.0.0.1:1\", contract = \"0x" +
                              std::string(40, 'C') + "\", chain_id = 8453 }\n";
    World world{"rules = \"chain\"\n" + chain};
    world.unanswered = fail(Errc::denied, "chain down");
    const Json meta = world.get("GetMeta");
    CHECK(text(meta, "kms_contract_address") == "0x" + std::string(40, 'c'));
    CHECK(*meta.need_u64("chain_id") == 8453);
    CHECK(meta.find("gateway_app_id")->is_null()); // the contract's is not known here
    CHECK(text(World{chain + "gateway_app_id = \"any\""}.get("GetMeta"), "gateway_app_id") ==
          "any");
  }

  TEST_CASE("GetTempCaCert hands the temporary CA to anybody: it is no secret")
  {
    World world;
    world.caller.proven.reset();
    const Json answer = world.get("GetTempCaCert");
    CHECK(text(answer, "temp_ca_key").starts_with("-----BEGIN PRIVATE KEY-----"));
    CHECK(text(answer, "temp_ca_cert") == x509::to_pem(world.state.root->open.temp_ca));
    CHECK(text(answer, "ca_cert") == x509::to_pem(world.state.root->open.root_ca));
  }

  TEST_CASE("an app of a later epoch gets keys of its own; the root signs for them")
  {
    World world{testing::policy_text() + "epoch = 1\n"};
    auto material = *vault::with_new_epoch(vault::testing::published_root(), vault::testing::now);
    auto open = *vault::public_root_of(material, vault::testing::now);
    world.state.root = std::make_shared<const vault::OpenRoot>(
        vault::OpenRoot{std::move(material), std::move(open), {}, {}});
    const Json keys = world.get("GetAppKey", version(1));
    CHECK(*keys.need_u64("epoch") == 1);
    CHECK(world.records.at(0).epoch == 1);
    CHECK(text(keys, "disk_crypt_key") !=
          "63a5c5fc418deef7d4a531eb1df26bf4048c0cf2bfa89e6a7e70cb20faa3c1a3");
    Secret<32> k256{*parse_hex_array<32>(text(keys, "k256_key"))};
    CHECK(*keys::app_key_signer(Bytes(20, 0xa1), *crypto::k256_public(k256),
                                *parse_hex(text(keys, "k256_signature"))) ==
          world.state.root->open.k256);
    const Json meta = world.get("GetMeta");
    CHECK((*meta.need_array("epochs"))->items().size() == 2);
    const Json root = world.get("GetKmsKey");
    CHECK((*root.need_array("epochs"))->items().size() == 1);
  }

  TEST_CASE("Custody.Release gives a share to a KMS that the policy allows, and to nobody else")
  {
    World world;
    const Json asked = Json{}.set("cluster", testing::times("4f", 32));
    CHECK(text(world.get("Custody.Release", asked), "share") == "{}");
    CHECK(world.steps.back() == "record Custody.Release yes");
    CHECK(world.why("Custody.Release", Json{}.set("cluster", "4f")) == "no share");
    world.caller.proven.reset();
    CHECK(world.why("Custody.Release", asked) == "KMS not allowed: No attestation provided");
  }

  TEST_CASE("a sealed KMS answers nothing but that it is sealed")
  {
    World world;
    world.state.root.reset();
    for (const char* method : {"GetAppKey", "GetKmsKey", "GetTempCaCert", "SignCert", "GetMeta",
                               "GetAppEnvEncryptPubKey", "Custody.Release"})
      CHECK(world.why(method).starts_with("the KMS is sealed"));
    CHECK(world.why("Nothing") == "Service not found: Nothing");
  }
}

} // namespace dstack::kmsapi
