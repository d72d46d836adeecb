#pragma once
/// The prime-order group ristretto255 (RFC 9496) through libsodium, in constant time. Scalars are
/// secret: wiped when they go, never printed or compared.

#include "base/secret.hpp"

namespace dstack::crypto {

/// An integer modulo the group's order, 2^252 + 27742317777372353535851937790883648493.
class RistrettoScalar {
public:
  static RistrettoScalar random(); ///< uniform, never zero
  static RistrettoScalar from_number(std::uint64_t value);
  /// 32 bytes, little-endian; Errc::malformed for another size and for anything not below the
  /// order.
  static Result<RistrettoScalar> from_bytes(ByteView bytes);

  friend RistrettoScalar operator+(const RistrettoScalar& a, const RistrettoScalar& b);
  friend RistrettoScalar operator-(const RistrettoScalar& a, const RistrettoScalar& b);
  friend RistrettoScalar operator*(const RistrettoScalar& a, const RistrettoScalar& b);
  bool is_zero() const;
  RistrettoScalar inverse() const; ///< not of zero
  ByteView view() const { return value_.view(); }

private:
  Secret<32> value_;
};

/// An element of the group; public.
class RistrettoPoint {
public:
  /// The identity.
  RistrettoPoint() = default;
  static RistrettoPoint base_times(const RistrettoScalar& scalar);
  /// Errc::malformed for what is not the one encoding of an element.
  static Result<RistrettoPoint> from_bytes(ByteView bytes);

  friend RistrettoPoint operator+(const RistrettoPoint& a, const RistrettoPoint& b);
  friend RistrettoPoint operator*(const RistrettoPoint& point, const RistrettoScalar& scalar);
  bool operator==(const RistrettoPoint&) const = default;
  bool is_identity() const { return *this == RistrettoPoint{}; }
  ByteView view() const { return value_; }

private:
  std::array<std::uint8_t, 32> value_{}; ///< the identity is encoded as zeros
};

} // namespace dstack::crypto
