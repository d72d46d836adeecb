#include "crypto/feldman.hpp"

#include <algorithm>

namespace dstack::crypto {

namespace {

using Coefficients = std::vector<RistrettoScalar>;

/// Horner's rule, from the highest coefficient down.
RistrettoScalar value_at(const Coefficients& polynomial, const RistrettoScalar& at)
{
  RistrettoScalar out;
  for (std::size_t i = polynomial.size(); i-- > 0;)
    out = out * at + polynomial[i];
  return out;
}

/// The same with every coefficient times the base point.
RistrettoPoint commitment_at(const Commitments& commitments, const RistrettoScalar& at)
{
  RistrettoPoint out;
  for (std::size_t i = commitments.size(); i-- > 0;)
    out = out * at + commitments[i];
  return out;
}

RistrettoScalar index_of(const Share& share)
{
  return RistrettoScalar::from_number(share.index);
}

Status check_shares(const std::vector<Share>& shares, const Commitments& commitments)
{
  std::array<bool, max_shares + 1> seen{};
  for (const Share& share : shares) {
    TRY(verify_share(share, commitments));
    if (std::exchange(seen[share.index], true))
      return fail(Errc::malformed, "share {} is given twice", share.index);
  }
  if (shares.size() < commitments.size())
    return fail(Errc::denied, "{} of {} shares", shares.size(), commitments.size());
  return ok();
}

/// Lagrange's coefficient of shares[i] for the value at 0, among the first count.
RistrettoScalar weight(const std::vector<Share>& shares, std::size_t i, std::size_t count)
{
  RistrettoScalar above = RistrettoScalar::from_number(1);
  RistrettoScalar below = above;
  for (std::size_t j = 0; j < count; ++j) {
    if (j == i) continue;
    above = above * index_of(shares[j]);
    below = below * (index_of(shares[j]) - index_of(shares[i]));
  }
  return above * below.inverse();
}

} // namespace

Result<Sharing> split(const RistrettoScalar& secret, unsigned count, unsigned threshold)
{
  if (count < 1 || count > max_shares)
    return fail(Errc::usage, "{} shares (want 1 to {})", count, max_shares);
  if (threshold < 1 || threshold > count)
    return fail(Errc::usage, "a threshold of {} for {} shares (want 1 to {})", threshold, count,
                count);
  Coefficients polynomial{secret};
  polynomial.reserve(threshold); // growing would leave copies of no use to anyone but a thief
  while (polynomial.size() < threshold)
    polynomial.push_back(RistrettoScalar::random());
  Sharing out;
  for (const RistrettoScalar& coefficient : polynomial)
    out.commitments.push_back(RistrettoPoint::base_times(coefficient));
  for (unsigned index = 1; index <= count; ++index)
    out.shares.push_back({static_cast<std::uint8_t>(index),
                          value_at(polynomial, RistrettoScalar::from_number(index))});
  return out;
}

Status verify_share(const Share& share, const Commitments& commitments)
{
  if (share.index == 0) return fail(Errc::malformed, "a share with index 0");
  if (commitments.empty() || commitments.size() > max_shares)
    return fail(Errc::malformed, "{} commitments (want 1 to {})", commitments.size(), max_shares);
  if (RistrettoPoint::base_times(share.value) == commitment_at(commitments, index_of(share)))
    return ok();
  return fail(Errc::untrusted, "share {} does not fit the commitments", share.index);
}

Result<RistrettoScalar> combine(const std::vector<Share>& shares, const Commitments& commitments)
{
  TRY(check_shares(shares, commitments));
  RistrettoScalar out;
  for (std::size_t i = 0; i < commitments.size(); ++i)
    out = out + shares[i].value * weight(shares, i, commitments.size());
  if (RistrettoPoint::base_times(out) != commitments.front())
    return fail(Errc::internal, "shares that fit give a secret that does not");
  return out;
}

} // namespace dstack::crypto
