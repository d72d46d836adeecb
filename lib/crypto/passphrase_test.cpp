#include "crypto/passphrase.hpp"

#include "crypto/xchacha.hpp"

#include <doctest/doctest.h>

namespace dstack::crypto {

namespace {

PassphraseSalt counting_salt()
{
  PassphraseSalt out{};
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<std::uint8_t>(i);
  return out;
}

std::string key_of(const PassphraseCost& cost)
{
  return hex(argon2id(as_bytes("correct horse battery staple"), counting_salt(), cost)->view());
}

} // namespace

TEST_SUITE("crypto::passphrase")
{
  TEST_CASE("Argon2id gives what OpenSSL's gives (one lane)")
  {
    CHECK(key_of({1, 8 << 10U}) ==
          "d17ea6341ca93da6079ea2f64dc4aa31dd1aaf9caa67fb42ac4afd0714706f26");
    CHECK(key_of({3, 64 << 10U}) ==
          "bc240e180a205bd2e782cdc64983f247e76aeb8fb2133aec1570b70cccd68bff");
    CHECK(key_of({4, 1024 << 10U}) ==
          "ff89759a9ee3f2c1e966f1ac9f8461982dafe6dabae0eab288de3aeca443ce25");
  }

  TEST_CASE("a cost that would take the machine down, or is none, is refused")
  {
    for (const PassphraseCost& cost :
         {PassphraseCost{0, 1 << 20U}, {33, 1 << 20U}, {1, 4096}, {1, std::uint64_t{2} << 30U}}) {
      const auto refused = argon2id(as_bytes("x"), {}, cost);
      REQUIRE_FALSE(refused);
      CHECK(refused.error().code() == Errc::malformed);
    }
  }
}

TEST_SUITE("crypto::xchacha")
{
  // draft-irtf-cfrg-xchacha-03, A.3.1
  const Secret<32> key{
      *parse_hex_array<32>("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f")};
  const XchachaNonce nonce =
      *parse_hex_array<24>("404142434445464748494a4b4c4d4e4f5051525354555657");
  const Bytes context = *parse_hex("50515253c0c1c2c3c4c5c6c7");
  const ByteView plain =
      as_bytes("Ladies and Gentlemen of the class of '99: If I could offer you only one tip for "
               "the future, sunscreen would be it.");

  TEST_CASE("the published message")
  {
    const Bytes sealed = xchacha_seal(key, nonce, context, plain);
    CHECK(hex(sealed) == "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb"
                         "731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452"
                         "2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"
                         "21f9664c97637da9768812f615c68b13b52e"
                         "c0875924c1c7987947deafd8780acf49");
    CHECK(equal(xchacha_open(key, nonce, context, sealed)->view(), plain));
  }

  TEST_CASE("every changed byte, another context and every truncation are refused")
  {
    const Bytes sealed = xchacha_seal(key, nonce, context, plain);
    for (std::size_t i = 0; i < sealed.size(); ++i) {
      Bytes changed = sealed;
      changed[i] ^= 1U;
      CHECK(xchacha_open(key, nonce, context, changed).error().code() == Errc::untrusted);
      CHECK_FALSE(xchacha_open(key, nonce, context, ByteView{sealed}.first(i)));
    }
    CHECK_FALSE(xchacha_open(key, nonce, as_bytes("other"), sealed));
  }
}

} // namespace dstack::crypto
