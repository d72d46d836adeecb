#include "keys/root_keys.hpp"

#include "keys/env.hpp"

#include <doctest/doctest.h>

namespace dstack::keys {

namespace {

constexpr std::uint64_t timestamp = 1'767'225'600;

// spec kms 20.1; the texts it says these are hashes of give other values.
RootKeys root()
{
  const auto scalar = [](std::string_view text) { return *parse_hex_array<32>(text); };
  return RootKeys{
      *crypto::P256Key::from_scalar(
          scalar("b872aaae4e75557b269600ac33a15ab16da9c854049ac60bd0b0313bdc51c70c")),
      Secret<32>{scalar("f5f94c8459cfa67d158bfa03a83eca3ea334523c5eacfda235429b2105fed3d8")}};
}
const Bytes app(20, 0xa1);
const Bytes instance(20, 0xb2);

std::string text(const Result<Secret<32>>& key)
{
  REQUIRE(key);
  return hex(key->view());
}

} // namespace

TEST_SUITE("keys::root_keys")
{
  TEST_CASE("the keys of an app are the published ones (spec kms 20.1, 20.2)")
  {
    const RootKeys roots = root();
    CHECK(hex(*crypto::k256_public(roots.k256)) ==
          "03e206818ce77f40bdfce29d7b9acd7ea58fa11ae84b59004df31b6783a992924a");
    CHECK(hex(app_ca_key(roots, app)->scalar().view()) ==
          "7e67ff17966d014d507eeae821963ba916dfe2800ec14b91189e11defa5103b7");
    CHECK(text(disk_crypt_key(roots, app, instance)) ==
          "63a5c5fc418deef7d4a531eb1df26bf4048c0cf2bfa89e6a7e70cb20faa3c1a3");
    CHECK(text(disk_crypt_key(roots, app, {})) ==
          "9216a91a5168ee7d199f1782649a1738038f26b7d9f821d78d53b43aaa4f6287");
    CHECK(text(env_crypt_key(roots, app)) ==
          "cd56fbbd6406be37a8a998ea6a349b4f0110e7ecb13d2677eafd139a9dcdcb7b");
    CHECK(hex(crypto::x25519_public(*env_crypt_key(roots, app))) ==
          "ab1585fd6ea5df34461959c9fa4c6473c8ac97dd997a9b8b1ea2d2d5da6df35b");
    CHECK(text(app_k256_key(roots, app)) ==
          "5edfccf1dd2059e0120fc314be46171f4e358d86fd3d94c36b3a0c6eb67d2c2e");
  }

  TEST_CASE("what the root signs, and whose signature that is (spec kms 20.3)")
  {
    const RootKeys roots = root();
    const auto own = *crypto::k256_public(roots.k256);
    const auto app_key = *crypto::k256_public(*app_k256_key(roots, app));
    const auto issued = sign_app_key(roots, app, app_key);
    REQUIRE(issued);
    CHECK(
        hex(*issued) ==
        "a878816afead050d528ec74310693a3bd292e1208076a98f6091f9a045e4580c484c68bfe094d9106daac5f781"
        "ced6f868dec37962d1e59adb56a823ded96ec000");
    CHECK(*app_key_signer(app, app_key, *issued) == own);
    CHECK_FALSE(*app_key_signer(instance, app_key, *issued) == own);
    const auto env_key = crypto::x25519_public(*env_crypt_key(roots, app));
    const auto old_form = sign_env_key(roots, app, env_key, {});
    CHECK(
        hex(*old_form) ==
        "079d1983c4d3b5de228e3800ca9018626d349c98f04adb916a34c476117c80742967a899b1327693f8b7b8ca0b"
        "89208ed35022ed2066a6d20da6e67846b1886500");
    const auto timed = sign_env_key(roots, app, env_key, timestamp);
    CHECK(
        hex(*timed) ==
        "738dd2814f78ec937313c7d4070a1baa7ac991babe1bffe23da4dca8b1a9042923bfcdd72296b1bb2847ffdd77"
        "bdd4366681800d458aaec9514c9f3a9838c60300");
    CHECK(*env_key_signer(app, env_key, timestamp, *timed) == own);
    const auto other_time = env_key_signer(app, env_key, timestamp + 1, *timed);
    CHECK_FALSE((other_time && *other_time == own));
  }

  TEST_CASE("the quote of the birth of root keys (spec kms 20.4)")
  {
    const RootKeys roots = root();
    CHECK(hex(bootstrap_report_data(roots.ca.spki_der(), *crypto::k256_public(roots.k256))) ==
          "1af87dce0fd65dcd4336fec02ba1b34549198e177e8ef675597887327b5246e6" +
              std::string(64, '0'));
  }

  TEST_CASE("an encrypted environment for an app of this KMS (spec kms 20.5)")
  {
    const Bytes blob =
        *parse_hex("6fa56943117a20311dc14b4990a8379fb880d5424bc2503c3d7841d336e4a674000102030405060"
                   "708090a0b8e63"
                   "b7984c36d29c752e891bd10956349db92329fe8579fd8d9055f6333a3fd23d8003ea693658ad2c2"
                   "ce614f2889970"
                   "f2140a55fd41ecc9fb1ff3dac10078f2315e4d59da0fdddd88c7f056fd4ec10460a2bea6");
    const auto read = decrypt_env(blob, *env_crypt_key(root(), app));
    REQUIRE(read);
    CHECK(*read == Environment{{"FOO", "bar"}, {"SECRET", "123"}});
  }

  TEST_CASE("ids of other sizes are refused: they could spell another app's context")
  {
    const RootKeys roots = root();
    for (const std::size_t size : {0U, 1U, 19U, 21U, 32U}) {
      CHECK(app_ca_key(roots, Bytes(size)).error().message() == "app_id must be 20 bytes");
      CHECK_FALSE(disk_crypt_key(roots, Bytes(size), {}));
      CHECK_FALSE(env_crypt_key(roots, Bytes(size)));
      CHECK_FALSE(app_k256_key(roots, Bytes(size)));
      CHECK_FALSE(sign_app_key(roots, Bytes(size), {}));
      CHECK_FALSE(sign_env_key(roots, Bytes(size), {}, {}));
      if (size != 0) CHECK_FALSE(disk_crypt_key(roots, app, Bytes(size)));
    }
  }
}

} // namespace dstack::keys
