#include "keys/derived.hpp"

#include "crypto/hash.hpp"
#include "crypto/k256.hpp"
#include "crypto/keccak.hpp"

#include <doctest/doctest.h>

namespace dstack::keys {

namespace {

// The published simulator's keys (spec guest 13.4, 14.1).
constexpr const char* k256 = "d6e88992cdeeee35fe70b5db61ab66cdb191fb9b6ec9313757ef162dd7214d5d";
constexpr const char* kms_signature = "9e618603e72d01fedb82deff6daf2d62a572becf0059eec3f89c1ab40e1f"
                                      "2e594d2a283f843f34e8f39e4cc49a612496"
                                      "ce67223a12ac923f8efe330346dfc6c500";

AppKeys published()
{
  AppKeys out = *from_seed(Secret<32>{});
  out.k256_key = Secret<32>{*parse_hex_array<32>(k256)};
  out.k256_signature = *parse_hex(kms_signature);
  return out;
}

} // namespace

TEST_SUITE("keys::derived")
{
  TEST_CASE("GetKey gives the published values (spec guest 13.4)")
  {
    const auto secp = derive_key(published(), "/test/path", "test-purpose", Curve::secp256k1);
    REQUIRE(secp);
    CHECK(hex(secp->key.view()) ==
          "b9fbb7171185c421c58610a2acba8ceae93623ae47815618cbad1e98fc042cb7");
    CHECK(hex(secp->public_key) ==
          "02c1082e78670feed1c847db81dbd71be37e4d53200a746c0a89f0afa8173cf566");
    CHECK(hex(crypto::keccak256(as_bytes(key_statement("test-purpose", secp->public_key)))) ==
          "4603d281e7a23e79c1291881909fad310d0a86c87756fb98f1d6a3f3cc18dccc");
    CHECK(
        hex(secp->signature_chain[0]) ==
        "f50c51735a97072f0c98125ed61fc84e2fdb36e95990b9e57337dadc0e2a9712227f04e07209faecb8891d59ec"
        "144a6c13e411dc90b3423f28071bd3fe11978d01");
    CHECK(hex(secp->signature_chain[1]) == kms_signature);
    const auto ed = derive_key(published(), "/test/path", "test-purpose", Curve::ed25519);
    REQUIRE(ed);
    CHECK(hex(ed->public_key) ==
          "2149e71e37ed8568f5a240e6966b5d6f6017428069ddf06ed4c04151de4b2304");
    CHECK(
        hex(ed->signature_chain[0]) ==
        "effb33c8bb9beab8058a165af210047acb15a67bb6482819b44655f8b22a150a45e50fdce916374f2f4bd380c8"
        "3eac6ca8b6a765a4fb7c3f03ab9932342ce53200");
    const auto empty = derive_key(published(), "", "", Curve::secp256k1);
    CHECK(hex(empty->key.view()) ==
          "aa221ae548b5a8f52fcb8687cfd873712f6a1232b2717e5ee3d58ab74f21905b");
    CHECK(
        hex(empty->signature_chain[0]) ==
        "64ce2f1b381d04f7404fda78bdc942c314d89b7069d97eea1897e51b249dd3b1700995cbf7efe7ff04195dd6e3"
        "1f153b702eeeeaffc5941510739dc39b9bd9cf01");
  }

  TEST_CASE("trap 7: the key depends on neither purpose nor algorithm; the chain names its signers")
  {
    const auto a = derive_key(published(), "/test/path", "one", Curve::secp256k1);
    const auto b = derive_key(published(), "/test/path", "two", Curve::ed25519);
    CHECK(equal(a->key.view(), b->key.view()));
    CHECK(a->signature_chain[0] != b->signature_chain[0]);
    for (const auto& one : {a, b})
      CHECK(one->signature_chain[0].back() <= 1); // recovery id as it is, not plus 27
    const auto digest = crypto::keccak256(as_bytes(key_statement("one", a->public_key)));
    CHECK(hex(*crypto::k256_recover(digest, a->signature_chain[0])) ==
          "02818494263695e8839122dbd88e281d7380622999df4e60a14befa0f2d096fc7c");
    const Bytes app_id = *parse_hex("5bb4ff9a3837357f19dc176407a5709c62eb6c56");
    const auto app_key = *crypto::k256_public(published().k256_key);
    const auto issued =
        crypto::keccak256(concat({as_bytes("dstack-kms-issued:"), app_id, app_key}));
    CHECK(hex(*crypto::k256_recover(issued, a->signature_chain[1])) ==
          "0321529e458424ab1f710a3a57ec4dad2fb195ddca572f7469242ba6c7563085b6");
  }

  TEST_CASE("Sign gives the published values (spec guest 13.4)")
  {
    const auto message = as_bytes("Test message for signing");
    const auto secp = sign(published(), "secp256k1", message);
    REQUIRE(secp);
    CHECK(hex(secp->signature).starts_with("673932366ab5452967919dbb290a20b0"));
    CHECK(
        hex(secp->chain[1]) ==
        "51ec279eb0da3fb45335c2fd6badaf701905bf35f229912976c4ae3c9d649cf97f964473f2dce7118743bad84a"
        "6df707d11c9b5f0b38379204e14fd2c7baddba01");
    const auto ed = sign(published(), "ed25519", message);
    REQUIRE(ed);
    CHECK(hex(ed->signature).starts_with("5d1b901403e9a4a03b4f854d0895abd7"));
    CHECK(
        hex(ed->chain[1]) ==
        "d61ff204728dae76ba4e29313003433d533d069f9c98ebb3382104145f1c664c59fac4326a86420ec3f450303d"
        "3a675d595f546448076a464343bcc25143c4a300");
    CHECK(secp->chain.size() == 3);
    CHECK(secp->chain[0] == secp->signature);
    const auto digest = crypto::sha256(message);
    CHECK(sign(published(), "secp256k1_prehashed", digest)->signature == secp->signature);
    CHECK(sign(published(), "k256", message)->signature == secp->signature);
    for (const char* algorithm : {"secp256k1", "ed25519", "k256"}) {
      const auto made = *sign(published(), algorithm, message);
      CHECK(*verify(algorithm, {message, made.signature, made.public_key}));
      CHECK_FALSE(*verify(algorithm, {as_bytes("other"), made.signature, made.public_key}));
    }
  }

  TEST_CASE("algorithms and sizes that are not served")
  {
    CHECK(parse_curve("rsa").error().message() == "Unsupported algorithm");
    CHECK_FALSE(parse_curve("secp256k1_prehashed"));
    CHECK(sign(published(), "", {}).error().message() == "Unsupported algorithm");
    CHECK(verify("", {}).error().message() == "Unsupported algorithm");
    CHECK(sign(published(), "secp256k1_prehashed", Bytes(31)).error().message() ==
          "Pre-hashed signing requires a 32-byte digest, but received 31 bytes");
    const auto made = *sign(published(), "secp256k1", as_bytes("x"));
    CHECK_FALSE(*verify("secp256k1_prehashed", {Bytes(8), made.signature, made.public_key}));
    CHECK_FALSE(verify("secp256k1_prehashed", {Bytes(8), made.signature, Bytes(33)}));
    CHECK_FALSE(verify("ed25519", {Bytes(8), made.signature, made.public_key}));
    // A client that leaves the key out: libsecp256k1 ends a program that passes it no bytes.
    for (const char* algorithm : {"secp256k1", "k256", "secp256k1_prehashed", "ed25519"})
      CHECK(verify(algorithm, {Bytes(8), made.signature, {}}).error().message() ==
            "invalid public key");
  }

  TEST_CASE("the statement about an app's signing key (spec guest 4)")
  {
    AppKeys keys = published();
    keys.k256_key = Secret<32>{
        *parse_hex_array<32>("1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b1c2d3e4f5a6b7c8d9e0f1a2b")};
    const auto ed = *derive_key(keys, "vms", "signing", Curve::ed25519);
    CHECK(hex(ed.key.view()) == "9db79b3fefe69f2a7b7efbc908c854bf845a629023361f2c9cb3db09fb99010f");
    CHECK(app_key_statement(Curve::ed25519, ed.public_key) ==
          "dip1::ed25519-pk:5Pbre1Amf1hrp2V2bbfKlIfxpQb2pJAmrgmhxgVoG9s");
    const auto secp = *derive_key(keys, "vms", "signing", Curve::secp256k1);
    CHECK(app_key_statement(Curve::secp256k1, secp.public_key) ==
          "dip1::secp256k1c-pk:A6t_JdVkVdMAocH3f1f20WGT6JzdntxcXimUtEax8zc9");
  }

  TEST_CASE("tappd's key for the path / (spec guest 13.4); trap 9: its DER byte for byte")
  {
    const auto key = derive_p256(published().k256_key.view(), {"/"});
    REQUIRE(key);
    CHECK(hex(key->scalar().view()) ==
          "f6c1ed94488394d78e0a4e5ab75d62e9f085d73b0b555d0614fb90ca13d9464d");
    CHECK(
        hex(key->pkcs8_der().view()) ==
        "308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420f6c1ed94488394d78e"
        "0a4e5ab75d62e9f085d73b0b555d0614fb90ca13d9464da14403420004f367a52fd0e8d5f8ded5ffd0057a0008"
        "3780aae19b4afcd17b96b9337f69ed07c70f08b87103d18b8e865e8f0578ad28c5f6b42758eeab47b0498248e9"
        "c036ac");
  }
}

} // namespace dstack::keys
