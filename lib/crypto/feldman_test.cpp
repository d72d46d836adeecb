#include "crypto/feldman.hpp"

#include <doctest/doctest.h>
#include <functional>

namespace dstack::crypto {

namespace {

Errc code_of(const auto& result)
{
  REQUIRE_FALSE(result);
  return result.error().code();
}

/// Calls visit with every choice of size out of shares.
void each_subset(const std::vector<Share>& shares,
                 std::size_t size,
                 const std::function<void(const std::vector<Share>&)>& visit)
{
  for (std::uint32_t mask = 0; mask < (1U << shares.size()); ++mask) {
    if (static_cast<std::size_t>(__builtin_popcount(mask)) != size) continue;
    std::vector<Share> chosen;
    for (std::size_t i = 0; i < shares.size(); ++i)
      if ((mask >> i & 1U) != 0) chosen.push_back(shares[i]);
    visit(chosen);
  }
}

bool same(const RistrettoScalar& a, const RistrettoScalar& b)
{
  return (a - b).is_zero();
}

/// What the shares give when nobody checks them: Lagrange's polynomial through all of them, at 0.
RistrettoScalar blind_combination(const std::vector<Share>& shares)
{
  RistrettoScalar out;
  for (const Share& mine : shares) {
    RistrettoScalar term = mine.value;
    for (const Share& other : shares) {
      if (other.index == mine.index) continue;
      const auto at = RistrettoScalar::from_number(other.index);
      term = term * at * (at - RistrettoScalar::from_number(mine.index)).inverse();
    }
    out = out + term;
  }
  return out;
}

} // namespace

TEST_SUITE("crypto::ristretto")
{
  TEST_CASE("multiples of the base point (RFC 9496, A.1)")
  {
    const std::vector<std::string> multiples = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76",
        "6a493210f7499cd17fecb510ae0cea23a110e8d5b901f8acadd3095c73a3b919",
        "94741f5d5d52755ece4f23f044ee27d5d1ea1e2bd196b462166b16152a9d0259",
        "da80862773358b466ffadfe0b3293ab3d9fd53c5ea6c955358f568322daf6a57",
        "e882b131016b52c1d3337080187cf768423efccbb517bb495ab812c4160ff44e",
        "f64746d3c92b13050ed8d80236a7f0007c3b3f962f5ba793d19a601ebb1df403"};
    RistrettoPoint sum;
    const auto base = RistrettoPoint::base_times(RistrettoScalar::from_number(1));
    for (std::size_t i = 0; i < multiples.size(); ++i) {
      CAPTURE(i);
      const auto scalar = RistrettoScalar::from_number(i);
      CHECK(hex(RistrettoPoint::base_times(scalar).view()) == multiples[i]);
      CHECK(hex((base * scalar).view()) == multiples[i]);
      CHECK(sum == *RistrettoPoint::from_bytes(*parse_hex(multiples[i])));
      sum = sum + base;
    }
    CHECK(RistrettoPoint{}.is_identity());
  }

  TEST_CASE("an element or a scalar has one encoding; others are refused (RFC 9496, A.2)")
  {
    for (const char* bad :
         {"00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
          "f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
          "0100000000000000000000000000000000000000000000000000000000000080",
          "0100000000000000000000000000000000000000000000000000000000000000", "00"})
      CHECK(code_of(RistrettoPoint::from_bytes(*parse_hex(bad))) == Errc::malformed);
    const char* const last = "ecd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";
    const char* const order = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";
    const auto minus_one = RistrettoScalar::from_bytes(*parse_hex(last));
    REQUIRE(minus_one);
    CHECK((*minus_one + RistrettoScalar::from_number(1)).is_zero());
    CHECK(code_of(RistrettoScalar::from_bytes(*parse_hex(order))) == Errc::malformed);
    CHECK(code_of(RistrettoScalar::from_bytes(Bytes(32, 0xff))) == Errc::malformed);
    CHECK(code_of(RistrettoScalar::from_bytes(Bytes(31, 0))) == Errc::malformed);
  }

  TEST_CASE("scalars are a field")
  {
    const auto a = RistrettoScalar::random();
    const auto b = RistrettoScalar::random();
    CHECK(same((a + b) - b, a));
    CHECK(same(a * b * b.inverse(), a));
    CHECK(RistrettoPoint::base_times(a + b) ==
          RistrettoPoint::base_times(a) + RistrettoPoint::base_times(b));
    CHECK(RistrettoPoint::base_times(a * b) == RistrettoPoint::base_times(a) * b);
  }
}

TEST_SUITE("crypto::feldman")
{
  TEST_CASE("every choice of enough shares gives the secret, in any order, no smaller choice does")
  {
    for (unsigned count = 1; count <= 6; ++count)
      for (unsigned threshold = 1; threshold <= count; ++threshold) {
        CAPTURE(count);
        CAPTURE(threshold);
        const auto secret = RistrettoScalar::random();
        const auto sharing = split(secret, count, threshold);
        REQUIRE(sharing);
        REQUIRE(sharing->shares.size() == count);
        REQUIRE(sharing->commitments.size() == threshold);
        each_subset(sharing->shares, threshold, [&](std::vector<Share> chosen) {
          CHECK(same(*combine(chosen, sharing->commitments), secret));
          std::reverse(chosen.begin(), chosen.end());
          CHECK(same(*combine(chosen, sharing->commitments), secret));
        });
        CHECK(same(*combine(sharing->shares, sharing->commitments), secret));
        each_subset(sharing->shares, threshold - 1, [&](const std::vector<Share>& chosen) {
          CHECK(code_of(combine(chosen, sharing->commitments)) == Errc::denied);
          CHECK_FALSE(same(blind_combination(chosen), secret));
        });
      }
  }

  TEST_CASE("the largest sharing")
  {
    const auto secret = RistrettoScalar::random();
    const auto sharing = split(secret, 255, 255);
    REQUIRE(sharing);
    CHECK(same(blind_combination(sharing->shares), secret));
    CHECK(verify_share(sharing->shares.back(), sharing->commitments));
  }

  TEST_CASE("each flipped bit of a share is refused by its index")
  {
    const auto sharing = split(RistrettoScalar::random(), 3, 2);
    for (unsigned bit = 0; bit < 256; ++bit) {
      CAPTURE(bit);
      Bytes raw = to_bytes(sharing->shares[1].value.view());
      raw[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
      const auto value = RistrettoScalar::from_bytes(raw);
      if (!value) continue; // not below the order: it never becomes a scalar
      const std::vector<Share> given = {sharing->shares[0], {2, *value}};
      const auto refused = combine(given, sharing->commitments);
      REQUIRE_FALSE(refused);
      CHECK(refused.error().code() == Errc::untrusted);
      CHECK(refused.error().message() == "share 2 does not fit the commitments");
    }
  }

  TEST_CASE("a share under another's index, a share of another sharing and a changed commitment")
  {
    const auto secret = RistrettoScalar::random();
    const auto sharing = split(secret, 3, 2);
    const auto other = split(secret, 3, 2);
    CHECK(code_of(verify_share({1, sharing->shares[1].value}, sharing->commitments)) ==
          Errc::untrusted);
    CHECK(code_of(verify_share(other->shares[0], sharing->commitments)) == Errc::untrusted);
    auto commitments = sharing->commitments;
    commitments[1] = commitments[1] + commitments[0];
    CHECK(code_of(verify_share(sharing->shares[0], commitments)) == Errc::untrusted);
  }

  TEST_CASE("index 0 and indices given twice are refused")
  {
    const auto sharing = split(RistrettoScalar::random(), 3, 2);
    CHECK(code_of(verify_share({0, sharing->shares[0].value}, sharing->commitments)) ==
          Errc::malformed);
    CHECK(code_of(combine({sharing->shares[0], sharing->shares[0]}, sharing->commitments)) ==
          Errc::malformed);
    CHECK(code_of(verify_share(sharing->shares[0], {})) == Errc::malformed);
  }

  TEST_CASE("thresholds and counts that make no sense")
  {
    const auto secret = RistrettoScalar::random();
    for (const auto& [count, threshold] :
         {std::pair{0U, 0U}, {0U, 1U}, {3U, 0U}, {3U, 4U}, {256U, 2U}})
      CHECK(code_of(split(secret, count, threshold)) == Errc::usage);
  }
}

} // namespace dstack::crypto
