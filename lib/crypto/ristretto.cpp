#include "crypto/ristretto.hpp"

#include <algorithm>
#include <sodium.h>

namespace dstack::crypto {

namespace {

constexpr std::size_t size = 32;
static_assert(crypto_core_ristretto255_BYTES == size);
static_assert(crypto_core_ristretto255_SCALARBYTES == size);

Secret<size> reduced(ByteView bytes)
{
  Secret<crypto_core_ristretto255_NONREDUCEDSCALARBYTES> wide;
  std::copy(bytes.begin(), bytes.end(), wide.mutable_view().begin());
  Secret<size> out;
  crypto_core_ristretto255_scalar_reduce(out.mutable_view().data(), wide.view().data());
  return out;
}

} // namespace

RistrettoScalar RistrettoScalar::random()
{
  RistrettoScalar out;
  crypto_core_ristretto255_scalar_random(out.value_.mutable_view().data());
  return out;
}

RistrettoScalar RistrettoScalar::from_number(std::uint64_t value)
{
  RistrettoScalar out;
  for (std::size_t i = 0; i < sizeof value; ++i)
    out.value_.mutable_view()[i] = static_cast<std::uint8_t>(value >> (8 * i));
  return out;
}

Result<RistrettoScalar> RistrettoScalar::from_bytes(ByteView bytes)
{
  if (bytes.size() != size)
    return fail(Errc::malformed, "a scalar of {} bytes (want {})", bytes.size(), size);
  RistrettoScalar out;
  out.value_ = reduced(bytes);
  if (sodium_memcmp(out.view().data(), bytes.data(), size) != 0)
    return fail(Errc::malformed, "a scalar that is not below the order of the group");
  return out;
}

RistrettoScalar operator+(const RistrettoScalar& a, const RistrettoScalar& b)
{
  RistrettoScalar out;
  crypto_core_ristretto255_scalar_add(out.value_.mutable_view().data(), a.view().data(),
                                      b.view().data());
  return out;
}

RistrettoScalar operator-(const RistrettoScalar& a, const RistrettoScalar& b)
{
  RistrettoScalar out;
  crypto_core_ristretto255_scalar_sub(out.value_.mutable_view().data(), a.view().data(),
                                      b.view().data());
  return out;
}

RistrettoScalar operator*(const RistrettoScalar& a, const RistrettoScalar& b)
{
  RistrettoScalar out;
  crypto_core_ristretto255_scalar_mul(out.value_.mutable_view().data(), a.view().data(),
                                      b.view().data());
  return out;
}

bool RistrettoScalar::is_zero() const
{
  return sodium_is_zero(view().data(), size) == 1;
}

RistrettoScalar RistrettoScalar::inverse() const
{
  RistrettoScalar out;
  DSTACK_ASSERT(
      crypto_core_ristretto255_scalar_invert(out.value_.mutable_view().data(), view().data()) == 0);
  return out;
}

RistrettoPoint RistrettoPoint::base_times(const RistrettoScalar& scalar)
{
  RistrettoPoint out;
  // Fails for the identity only, which it writes all the same.
  DSTACK_ASSERT(crypto_scalarmult_ristretto255_base(out.value_.data(), scalar.view().data()) == 0 ||
                out.is_identity());
  return out;
}

Result<RistrettoPoint> RistrettoPoint::from_bytes(ByteView bytes)
{
  if (bytes.size() != size)
    return fail(Errc::malformed, "a group element of {} bytes (want {})", bytes.size(), size);
  RistrettoPoint out;
  std::copy(bytes.begin(), bytes.end(), out.value_.begin());
  if (crypto_core_ristretto255_is_valid_point(out.value_.data()) != 1)
    return fail(Errc::malformed, "{} is no element of ristretto255", hex(bytes));
  return out;
}

RistrettoPoint operator+(const RistrettoPoint& a, const RistrettoPoint& b)
{
  RistrettoPoint out;
  DSTACK_ASSERT(crypto_core_ristretto255_add(out.value_.data(), a.value_.data(), b.value_.data()) ==
                0);
  return out;
}

RistrettoPoint operator*(const RistrettoPoint& point, const RistrettoScalar& scalar)
{
  RistrettoPoint out;
  // As in base_times: the point is valid.
  DSTACK_ASSERT(crypto_scalarmult_ristretto255(out.value_.data(), scalar.view().data(),
                                               point.value_.data()) == 0 ||
                out.is_identity());
  return out;
}

} // namespace dstack::crypto
