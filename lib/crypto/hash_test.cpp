#include "crypto/hash.hpp"
#include "crypto/random.hpp"

#include <doctest/doctest.h>

namespace dstack::crypto {

TEST_SUITE("crypto::hash")
{
  TEST_CASE("digests match FIPS 180-4's examples, whole and in pieces")
  {
    CHECK(hex(sha256(as_bytes("abc"))) ==
          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(hex(sha384(as_bytes("abc"))) ==
          "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
          "8086072ba1e7cc2358baeca134c825a7");
    Sha384 pieces;
    pieces.update(as_bytes("a"));
    pieces.update(as_bytes("bc"));
    CHECK(pieces.finish() == sha384(as_bytes("abc")));
    pieces.update(as_bytes("abc"));
    CHECK(pieces.finish() == sha384(as_bytes("abc")));
    CHECK(hex(sha512({})).starts_with("cf83e1357eefb8bdf1542850d66d8007"));
  }

  TEST_CASE("HKDF gives RFC 5869's first and third results")
  {
    const Bytes key(22, 0x0b);
    const Bytes salt = *parse_hex("000102030405060708090a0b0c");
    const Bytes info = *parse_hex("f0f1f2f3f4f5f6f7f8f9");
    CHECK(hex(hkdf_sha256(key, salt, info, 42)) ==
          "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
    CHECK(hex(hkdf_sha256(key, {}, {}, 42)) ==
          "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
  }

  TEST_CASE("comparison and randomness do what they say")
  {
    CHECK(equal_ct(as_bytes("abc"), as_bytes("abc")));
    CHECK(!equal_ct(as_bytes("abc"), as_bytes("abd")));
    CHECK(!equal_ct(as_bytes("abc"), as_bytes("ab")));
    CHECK(random_hex(20).size() == 40);
    CHECK(random_hex(20) != random_hex(20));
  }
}

} // namespace dstack::crypto
