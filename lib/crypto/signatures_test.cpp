#include "crypto/ed25519.hpp"
#include "crypto/hash.hpp"
#include "crypto/k256.hpp"
#include "crypto/keccak.hpp"

#include <doctest/doctest.h>

namespace dstack::crypto {

namespace {

Secret<32> secret(std::string_view text)
{
  return Secret<32>{*parse_hex_array<32>(text)};
}

// "vms" key of the published simulator's app (spec guest 13.4).
const char* const sign_key = "1091a4d6721f6a719ca57320e4975f7e237649131111ee1c5032f661dc1cfef2";

} // namespace

TEST_SUITE("crypto::signatures")
{
  TEST_CASE("secp256k1: the published signature, and back (spec guest 13.4)")
  {
    const auto digest = sha256(as_bytes("Test message for signing"));
    const auto signature = k256_sign(secret(sign_key), digest);
    REQUIRE(signature);
    CHECK(hex(*signature) == "673932366ab5452967919dbb290a20b095e0a65ef35baa7bd47abcc23e37f0dc"
                             "3f42c80fc1680af6ba57c9cb5bcf08f5d89aa4b6f69c819ef28045b0e0134992");
    const auto key = k256_public(secret(sign_key));
    CHECK(k256_check(secret(sign_key)));
    CHECK_FALSE(k256_check(Secret<32>{}));
    CHECK(hex(*key) == "036105f01d1fd781568f7c208b087b1c4f522601410ed7e9c7870d573de7c46d54");
    CHECK(*k256_verify(*key, digest, *signature));
    CHECK_FALSE(*k256_verify(*key, sha256(as_bytes("other")), *signature));
    const auto full = k256_sign_recoverable(secret(sign_key), digest);
    CHECK(*k256_recover(digest, *full) == *key);
  }

  TEST_CASE("trap 25: malformed is an error, wrong or high S is false")
  {
    const auto digest = sha256(as_bytes("m"));
    const auto key = *k256_public(secret(sign_key));
    K256Signature signature = *k256_sign(secret(sign_key), digest);
    CHECK(k256_verify(Bytes(33, 5), digest, signature).error().message() == "invalid public key");
    CHECK_FALSE(k256_verify(ByteView{key}.first(32), digest, signature));
    CHECK_FALSE(k256_verify(key, digest, ByteView{signature}.first(63)));
    CHECK_FALSE(k256_verify(key, digest, Bytes(64, 0)));
    CHECK_FALSE(k256_verify(key, digest, Bytes(64, 0xff)));
    CHECK_FALSE(k256_verify(key, Bytes(31), signature));
    // The same signature with n - s for s.
    const Bytes order =
        *parse_hex("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");
    unsigned borrow = 0;
    for (std::size_t i = 32; i-- > 0;) {
      const unsigned take = unsigned{signature[32 + i]} + borrow;
      borrow = order[i] < take ? 1 : 0;
      signature[32 + i] = static_cast<std::uint8_t>(order[i] + 256 * borrow - take);
    }
    REQUIRE(k256_verify(key, digest, signature));
    CHECK_FALSE(*k256_verify(key, digest, signature));
    CHECK(k256_verify({}, digest, signature).error().message() == "invalid public key");
  }

  TEST_CASE("recovery refuses what no key made")
  {
    const auto digest = sha256(as_bytes("m"));
    CHECK_FALSE(k256_recover(digest, Bytes(64, 1)));
    CHECK_FALSE(k256_recover(digest, Bytes(65, 0)));
    Bytes bad(65, 1);
    bad.back() = 27;
    CHECK_FALSE(k256_recover(digest, bad));
  }

  TEST_CASE("ed25519: the published signature (spec guest 13.4)")
  {
    const auto seed = secret(sign_key);
    const auto message = as_bytes("Test message for signing");
    const auto signature = ed25519_sign(seed, message);
    CHECK(hex(signature) == "5d1b901403e9a4a03b4f854d0895abd7289f68381cd1044212c0e0c779493fc4"
                            "886bfd139e3b8e6bf214d38b2ae15a32708f8f18805061a2079cca1c79288f04");
    const auto key = ed25519_public(seed);
    CHECK(hex(key) == "698f56bd587d8ce3ca8db0e1c361ba9d190089f98dc4d9df800ff92ed073a65d");
    CHECK(*ed25519_verify(key, message, signature));
    CHECK_FALSE(*ed25519_verify(key, as_bytes("other"), signature));
    CHECK_FALSE(ed25519_verify(ByteView{key}.first(31), message, signature));
    CHECK_FALSE(ed25519_verify(key, message, ByteView{signature}.first(63)));
    Bytes no_point(32); // y = 2 has no x
    no_point[0] = 2;
    CHECK(ed25519_verify(no_point, message, signature).error().message() == "invalid public key");
  }
}

} // namespace dstack::crypto
