#include "crypto/keccak.hpp"

#include <doctest/doctest.h>

namespace dstack::crypto {

TEST_SUITE("crypto::keccak")
{
  TEST_CASE("Keccak-256 of the empty string and of one longer than a block")
  {
    CHECK(hex(keccak256({})) == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
    CHECK(hex(keccak256(as_bytes("abc"))) ==
          "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45");
    const Bytes block(136, 'a');
    CHECK(hex(keccak256(block)) !=
          hex(keccak256(ByteView{block}.first(135)))); // exactly one block, and one byte less
  }

  TEST_CASE("hashes by name (spec guest 21.4)")
  {
    const auto app_data = [](const char* algorithm) {
      return hex(*named_digest(algorithm, as_bytes("app-data:test")));
    };
    CHECK(app_data("keccak256") ==
          "b877945563d5025eec520b6bb150efcf4c368c491ff1947529be3125d4e5ecb6");
    CHECK(app_data("sha3-256") ==
          "893acdd0162e33594df56553bea2079b99d7d562284f9eb7fd9458e2add81fe8");
    CHECK(named_digest("sha384", {})->size() == 48);
    CHECK(named_digest("sha3-512", {})->size() == 64);
    CHECK(hex(*named_digest("keccak512", {})).starts_with("0eab42de4c3ceb9235fc91acffe746b2"));
    CHECK(hex(*named_digest("keccak384", {})).starts_with("2c23146a63a29acf99e73b88f8c24eaa"));
    CHECK(named_digest("md5", {}).error().message() == "invalid hash algorithm");
  }
}

} // namespace dstack::crypto
