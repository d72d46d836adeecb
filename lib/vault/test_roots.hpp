#pragma once
/// For tests only: the roots of spec kms 20.1, and passphrases that cost nothing.

#include "vault/custody.hpp"
#include "vault/root_material.hpp"

namespace dstack::vault::testing {

inline constexpr std::int64_t now = 1'767'225'600; // spec kms 20
inline constexpr crypto::PassphraseCost cheap{1, std::uint64_t{8} << 10U};

inline RootMaterial published_root()
{
  const auto raw = [](std::string_view text) { return *parse_hex(text); };
  return *root_from(raw("b872aaae4e75557b269600ac33a15ab16da9c854049ac60bd0b0313bdc51c70c"),
                    raw("f5f94c8459cfa67d158bfa03a83eca3ea334523c5eacfda235429b2105fed3d8"),
                    raw("0000000000000000000000000000000000000000000000000000000000000007"));
}

inline SecretBytes passphrase(std::string_view words)
{
  return SecretBytes{as_bytes(words)};
}

inline std::vector<CustodianShare> shares(unsigned count, unsigned threshold)
{
  const auto sharing = *crypto::split(crypto::RistrettoScalar::random(), count, threshold);
  Circle circle{{}, sharing.commitments};
  for (unsigned i = 1; i <= count; ++i)
    circle.custodians.push_back(fmt::format("c{}", i));
  ClusterId cluster{};
  cluster.fill(0x4f);
  std::vector<CustodianShare> out;
  for (const crypto::Share& share : sharing.shares)
    out.push_back({cluster, circle, share});
  return out;
}

} // namespace dstack::vault::testing
