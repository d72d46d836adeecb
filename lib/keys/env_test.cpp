#include "keys/env.hpp"

#include "crypto/x25519.hpp"

#include <doctest/doctest.h>

namespace dstack::keys {

namespace {

// spec guest 19
constexpr const char* secret_hex =
    "4f3cf0a19a0444674c8e51222afd395b8df9fad2ba3cd7956f640a4b3c046db6";
constexpr const char* blob_hex =
    "8f40c5adb68f25624ae5b214ea767a6ec94d829d3d7b5e1ad1ba6f3e2138285f000102030405060708090a0bff9157"
    "47"
    "ad11a80eb22ef0b13379003d2052921da5b0e12d1a6ca8c3849ff0bdf313a566ca5e69ccd0cef60e1f5c92b625";

Secret<32> secret()
{
  return Secret<32>{*parse_hex_array<32>(secret_hex)};
}

/// 0, 1, 2, … in every buffer, as the vector was made.
void counting(std::span<std::uint8_t> out)
{
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<std::uint8_t>(i);
}

} // namespace

TEST_SUITE("keys::env")
{
  TEST_CASE("the published blob, both ways (spec guest 19)")
  {
    const auto recipient = crypto::x25519_public(secret());
    CHECK(hex(recipient) == "4b03687002c7e0f6e8eaabea3edc108de72a06d2c2b64a3e14c34883645c7127");
    CHECK(hex(*encrypt_env({{"A", "1"}}, recipient, counting)) == blob_hex);
    const auto read = decrypt_env(*parse_hex(blob_hex), secret());
    REQUIRE(read);
    CHECK(*read == Environment{{"A", "1"}});
    CHECK(read_envelope(*parse_hex(blob_hex))->sealed_size == 49);
    CHECK(decrypt_env({}, secret())->empty());
  }

  TEST_CASE("blobs that were changed, cut or are for somebody else")
  {
    const Bytes good = *parse_hex(blob_hex);
    for (std::size_t i = 0; i < good.size(); ++i) {
      Bytes bad = good;
      // The highest bit of an X25519 key is not used.
      bad[i] ^= i == 31 ? 0x01 : 0x80;
      CHECK_FALSE(decrypt_env(bad, secret()));
    }
    for (std::size_t size = 1; size < good.size(); ++size)
      CHECK_FALSE(decrypt_env(ByteView{good}.first(size), secret()));
    CHECK_FALSE(decrypt_env(good, Secret<32>{*parse_hex_array<32>(std::string(64, '7'))}));
    CHECK_FALSE(decrypt_env(Bytes(max_encrypted_env + 1), secret()));
    // All-zero shared secret.
    CHECK_FALSE(encrypt_env({}, Bytes(32, 0), counting));
    Bytes zero = good;
    std::fill_n(zero.begin(), 32, std::uint8_t{0});
    CHECK(decrypt_env(zero, secret()).error().message() == "an X25519 public key of small order");
  }

  TEST_CASE("only allowed names pass, and only within limits")
  {
    const Environment env = {{"A", "1"}, {"B", "2"}, {"bad-name", "3"}};
    const auto some = filter_env(env, {"B", "C"});
    REQUIRE(some);
    CHECK(some->kept == Environment{{"B", "2"}});
    CHECK(some->dropped == std::vector<std::string>{"A", "bad-name"});
    CHECK_FALSE(filter_env(env, {"bad-name"}));
    CHECK_FALSE(filter_env({{"1A", ""}}, {"1A"}));
    const std::string longest(255, 'a');
    CHECK(filter_env({{longest, ""}}, {longest}));
    CHECK_FALSE(filter_env({{longest + "a", ""}}, {longest + "a"}));
    CHECK(filter_env({{"A", std::string(131'072, 'x')}}, {"A"}));
    CHECK_FALSE(filter_env({{"A", std::string(131'073, 'x')}}, {"A"}));
    Environment many;
    std::vector<std::string> names;
    for (int i = 0; i < 1025; ++i) {
      names.push_back(fmt::format("V{}", i));
      many[names.back()] = "";
    }
    CHECK_FALSE(filter_env(many, names));
    many.erase("V0");
    CHECK(filter_env(many, names));
    Environment big;
    for (int i = 0; i < 9; ++i)
      big[names[static_cast<std::size_t>(i)]] = std::string(128'000, 'x');
    CHECK_FALSE(filter_env(big, names));
  }

  TEST_CASE("trap 23: the file's quoting is the published one, backslashes are not escaped")
  {
    CHECK(dotenv_text({{"B", "plain"}, {"A", "two words"}, {"C", ""}}) ==
          "A=\"two words\"\nB=plain\nC=\n");
    CHECK(dotenv_text({{"A", "a\"b$c`d\ne"}}) == "A=\"a\\\"b\\$c\\`d\\ne\"\n");
    CHECK(dotenv_text({{"A", "C:\\dir"}}) == "A=\"C:\\dir\"\n");
    CHECK(env_json({{"B", "\"x\""}, {"A", "C:\\dir"}}) == R"({"A":"C:\\dir","B":"\"x\""})");
  }
}

} // namespace dstack::keys
