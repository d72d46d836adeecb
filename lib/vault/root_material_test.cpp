#include "vault/root_material.hpp"

#include "vault/test_roots.hpp"

#include <doctest/doctest.h>

namespace dstack::vault {

namespace {

using testing::now;
using testing::published_root;

const Bytes app(20, 0xa1);
const Bytes instance(20, 0xb2);

std::string text(const Result<Secret<32>>& key)
{
  REQUIRE(key);
  return hex(key->view());
}

const keys::RootKeys& roots(const RootMaterial& material, std::uint32_t epoch)
{
  return **derivation_roots(material, epoch);
}

} // namespace

TEST_SUITE("vault::root_material")
{
  TEST_CASE("trap 14: epoch 0 is the published derivation, whatever epochs there are (spec 20.2)")
  {
    RootMaterial material = published_root();
    for (int round = 0; round < 3; ++round) {
      const keys::RootKeys& zero = roots(material, 0);
      CHECK(text(keys::disk_crypt_key(zero, app, instance)) ==
            "63a5c5fc418deef7d4a531eb1df26bf4048c0cf2bfa89e6a7e70cb20faa3c1a3");
      CHECK(text(keys::env_crypt_key(zero, app)) ==
            "cd56fbbd6406be37a8a998ea6a349b4f0110e7ecb13d2677eafd139a9dcdcb7b");
      CHECK(text(keys::app_k256_key(zero, app)) ==
            "5edfccf1dd2059e0120fc314be46171f4e358d86fd3d94c36b3a0c6eb67d2c2e");
      CHECK(hex(keys::app_ca_key(zero, app)->scalar().view()) ==
            "7e67ff17966d014d507eeae821963ba916dfe2800ec14b91189e11defa5103b7");
      material = *with_new_epoch(material, now);
    }
    CHECK(material.current_epoch() == 3);
  }

  TEST_CASE("an epoch's keys follow from its seed alone, and from no other epoch's")
  {
    // Computed with another implementation of HKDF and P-256 from the documented formula.
    const auto one = *make_epoch(1, Secret<32>{*parse_hex_array<32>(std::string(64, '7'))}, now);
    CHECK(text(keys::app_k256_key(one.roots, app)) ==
          "c98d0f7794553e914a2d04658a39bc929e7204a3f92d3c1da438dafcf78da464");
    CHECK(text(keys::env_crypt_key(one.roots, app)) ==
          "cac5ce02a25e709edc149898610811fb8ae924db79e8b547aa16ab29c827bebf");
    const auto again = *make_epoch(1, one.seed, now);
    CHECK(text(keys::env_crypt_key(one.roots, app)) == text(keys::env_crypt_key(again.roots, app)));
    const auto two = *make_epoch(2, one.seed, now);
    CHECK(text(keys::env_crypt_key(one.roots, app)) != text(keys::env_crypt_key(two.roots, app)));
    CHECK(text(keys::app_k256_key(one.roots, app)) != text(keys::app_k256_key(two.roots, app)));
    CHECK_FALSE(make_epoch(0, one.seed, now));
  }

  TEST_CASE("old epochs stay as they were when one is added")
  {
    const RootMaterial first = *with_new_epoch(published_root(), now);
    const RootMaterial second = *with_new_epoch(first, now + 1);
    CHECK(text(keys::env_crypt_key(roots(first, 1), app)) ==
          text(keys::env_crypt_key(roots(second, 1), app)));
    CHECK(text(keys::env_crypt_key(roots(second, 2), app)) !=
          text(keys::env_crypt_key(roots(second, 1), app)));
    CHECK(second.epochs[1].created_at == now + 1);
    const auto none = derivation_roots(first, 2);
    REQUIRE_FALSE(none);
    CHECK(none.error().code() == Errc::not_found);
    CHECK(none.error().message() == "there is no epoch 2 (the newest is 1)");
  }

  TEST_CASE("epochs of another replica are taken when they continue ours, and no others")
  {
    const RootMaterial first = *with_new_epoch(published_root(), now);
    const RootMaterial more = *with_new_epoch(*with_new_epoch(first, now + 1), now + 2);
    const RootMaterial taken = *with_epochs_of(first, more);
    CHECK(equal(encode(taken).view(), encode(more).view()));
    CHECK(equal(encode(*with_epochs_of(published_root(), more)).view(), encode(more).view()));
    // Fewer there than here: ours stay.
    CHECK(equal(encode(*with_epochs_of(more, first)).view(), encode(more).view()));
    const auto apart = with_epochs_of(first, *with_new_epoch(published_root(), now));
    REQUIRE_FALSE(apart);
    CHECK(apart.error().code() == Errc::denied);
    CHECK(apart.error().message().starts_with("epoch 1 there is not epoch 1 here"));
    for (int part = 0; part < 3; ++part) {
      CAPTURE(part);
      const auto scalar = [&](int of, const auto& right) {
        return part == of ? Bytes(32, 9) : to_bytes(right.view());
      };
      RootMaterial other = *root_from(scalar(0, more.root.ca.scalar()), scalar(1, more.root.k256),
                                      scalar(2, more.temp_ca.scalar()));
      const auto refused = with_epochs_of(first, other);
      REQUIRE_FALSE(refused);
      CHECK(refused.error().code() == Errc::untrusted);
    }
  }

  TEST_CASE("what is sealed comes back; truncations, trailing bytes and changed heads do not")
  {
    RootMaterial material = *with_new_epoch(*with_new_epoch(published_root(), now), now + 5);
    material.created_at = now - 5;
    const SecretBytes raw = encode(material);
    const auto back = decode_root(raw.view());
    REQUIRE(back);
    CHECK(equal(encode(*back).view(), raw.view()));
    CHECK(equal(encode(duplicate(material)).view(), raw.view()));
    for (std::size_t n = 0; n < raw.size(); ++n) {
      CAPTURE(n);
      CHECK_FALSE(decode_root(raw.view().first(n)));
    }
    Bytes changed = to_bytes(raw.view());
    changed.push_back(0);
    CHECK(decode_root(changed).error().code() == Errc::malformed);
    changed = to_bytes(raw.view());
    changed[0] = 2;
    CHECK(decode_root(changed).error().code() == Errc::unsupported);
    changed = to_bytes(raw.view());
    changed[1 + 96 + 8 + 2 + 3] = 9; // the first epoch's number
    CHECK(decode_root(changed).error().message() == "epoch 9 where 1 was expected");
  }

  TEST_CASE("no more epochs than the limit")
  {
    RootMaterial material = published_root();
    const auto one = *make_epoch(1, Secret<32>{*parse_hex_array<32>(std::string(64, '7'))}, now);
    for (std::uint32_t i = 1; i <= max_epochs; ++i)
      material.epochs.push_back(*make_epoch(i, one.seed, now));
    CHECK(decode_root(encode(material).view()));
    CHECK(with_new_epoch(material, now).error().code() == Errc::denied);
  }

  TEST_CASE("scalars that are none")
  {
    const Bytes zero(32, 0);
    const Bytes good(32, 1);
    CHECK_FALSE(root_from(zero, good, good));
    CHECK_FALSE(root_from(good, zero, good));
    CHECK_FALSE(root_from(good, good, zero));
    CHECK_FALSE(root_from(good, Bytes(32, 0xff), good));
    CHECK_FALSE(root_from(good, Bytes(31, 1), good));
    CHECK(root_from(good, good, good));
    const RootMaterial a = generate_root();
    const RootMaterial b = generate_root();
    CHECK_FALSE(equal(encode(a).view(), encode(b).view()));
  }
}

} // namespace dstack::vault
