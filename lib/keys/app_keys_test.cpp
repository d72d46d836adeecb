#include "keys/app_keys.hpp"

#include "crypto/hash.hpp"

#include <doctest/doctest.h>

namespace dstack::keys {

TEST_SUITE("keys::app_keys")
{
  TEST_CASE("a seed gives the published keys (spec guest 13.4)")
  {
    Secret<32> seed;
    for (std::size_t i = 0; i < 32; ++i)
      seed.mutable_view()[i] = static_cast<std::uint8_t>(i);
    const auto keys = from_seed(seed);
    REQUIRE(keys);
    CHECK(hex(keys->app_ca->scalar().view()) ==
          "0a6ae75425993b828ace490021809dcda469d5b531b018a27fdd28cd6d81115e");
    CHECK(hex(derive(seed.view(), {"app-disk-key"}).view()) ==
          "a8962b2fcc1ad9c0dd79fdd92b3e9e85bdae9463ee6130dd4bbd228d0526ff55");
    CHECK(hex(keys->disk_crypt_key.view()) ==
          "16271dff935a2b916181f4c8a0a6666de98224ba51437c329171a11dd481a09a");
    CHECK(hex(keys->k256_key.view()) ==
          "091c9c36eb873f1aacde93e91631256e1610ce9940166b45f437d635d76ba95e");
  }

  TEST_CASE("trap 8: a key with odd Y is stored negated")
  {
    const Secret<32> seed{crypto::sha256(Bytes{2})};
    const auto keys = from_seed(seed);
    REQUIRE(keys);
    CHECK(hex(derive(seed.view(), {"app-k256-key"}).view()) ==
          "991edf8d95f9b81afbee4a0553c34db9526b80a5c57556b23f570465bf9cca28");
    CHECK(hex(keys->k256_key.view()) ==
          "66e120726a0647e50411b5faac3cb24568435c40e9d34989807b5a2710997719");
  }

  TEST_CASE("two contexts under a root key give the published secret (spec guest 13.4)")
  {
    const auto root = parse_hex("f57527cea4ab7ffb49af99b158cdc0e3ec06398f528349ea236b7d2afe19cec1");
    const auto secret = derive_hashed(*root, {"context one", "context two"});
    REQUIRE(secret);
    CHECK(hex(secret->view()) ==
          "663afd58820be8ad645f9c035e93199d114ab16f738db62393bc1d7d623e8813");
  }
}

} // namespace dstack::keys
