#include "crypto/hash.hpp"
#include "crypto/p256.hpp"
#include "crypto/p256_public.hpp"

#include <doctest/doctest.h>

namespace dstack::crypto {

TEST_SUITE("crypto::p256")
{
  TEST_CASE("the PKCS#8 form is the one other keys are hashed from")
  {
    // spec guest 13.4: tappd DeriveKey path "/"
    const auto key = P256Key::from_scalar(
        *parse_hex("f6c1ed94488394d78e0a4e5ab75d62e9f085d73b0b555d0614fb90ca13d9464d"));
    REQUIRE(key);
    CHECK(hex(key->pkcs8_der().view()) ==
          "308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420f6c1ed94488394d7"
          "8e0a4e5ab75d62e9f085d73b0b555d0614fb90ca13d9464da14403420004f367a52fd0e8d5f8ded5ffd0057a"
          "00083780aae19b4afcd17b96b9337f69ed07c70f08b87103d18b8e865e8f0578ad28c5f6b42758eeab47b049"
          "8248e9c036ac");
    const auto again = P256Key::from_pkcs8_der(key->pkcs8_der().view());
    REQUIRE(again);
    CHECK(equal(again->scalar().view(), key->scalar().view()));
    CHECK(equal(P256Key::pkcs8_der_of(key->scalar().view())->view(), key->pkcs8_der().view()));
    CHECK_FALSE(P256Key::pkcs8_der_of(Bytes(32, 0)));
    CHECK_FALSE(P256Key::pkcs8_der_of(Bytes(32, 0xff)));
    CHECK_FALSE(P256Key::pkcs8_der_of(Bytes(31, 1)));
    CHECK(key->spki_der().size() == 91);
    CHECK(key->pkcs8_pem().starts_with("-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMG"));
  }

  TEST_CASE("signatures verify, and not for another message, key or signature")
  {
    const P256Key key = P256Key::generate();
    const P256Key other = P256Key::generate();
    const auto digest = sha256(as_bytes("message"));
    const auto mine = P256Public::from_xy(key.public_xy());
    REQUIRE(mine);
    const auto raw = key.sign_raw(as_bytes("message"));
    CHECK(mine->verify_raw(digest, raw));
    CHECK(!mine->verify_raw(sha256(as_bytes("another")), raw));
    CHECK(!P256Public::from_xy(other.public_xy())->verify_raw(digest, raw));
    auto broken = raw;
    broken[5] ^= 1U;
    CHECK(!mine->verify_raw(digest, broken));
    CHECK(!mine->verify_raw(digest, Bytes(64, 0)));
    CHECK(!mine->verify_raw(digest, Bytes(63, 1)));
    const Bytes der = key.sign_der(as_bytes("message"));
    CHECK(mine->verify_der(digest, der));
    for (std::size_t n = 0; n < der.size(); ++n)
      CHECK(!mine->verify_der(digest, ByteView{der}.first(n)));
    Bytes longer = der;
    longer.push_back(0);
    CHECK(!mine->verify_der(digest, longer));
  }

  TEST_CASE("points off the curve and misshapen ones are no keys")
  {
    const Bytes good = P256Key::generate().spki_der();
    CHECK(P256Public::from_spki(good));
    CHECK(!P256Public::from_spki(ByteView{good}.first(90)));
    CHECK(!P256Public::from_spki(concat({good, Bytes{0}})));
    Bytes other = good;
    other[22] ^= 1U; // of the curve's OID
    CHECK(P256Public::from_spki(other).error().message() == "it is no P-256 key");
    CHECK(!P256Public::from_xy(Bytes(64, 1)));
    CHECK(!P256Public::from_xy(Bytes(64, 0)));
    CHECK(!P256Public::from_xy(Bytes(33, 2)));
  }

  TEST_CASE("scalars out of range and other keys are refused")
  {
    CHECK(!P256Key::from_scalar(Bytes(32, 0)));
    CHECK(!P256Key::from_scalar(Bytes(32, 0xff)));
    CHECK(!P256Key::from_scalar(Bytes(31, 1)));
    CHECK(!P256Key::from_pkcs8_der(Bytes(100, 0x30)));
  }
}

} // namespace dstack::crypto
