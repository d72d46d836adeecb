#pragma once
/// Imported P-256 public keys, for callers that verify much: the point is decoded and checked once.

#include "base/bytes.hpp"

#include <memory>

namespace dstack::crypto {

/// SubjectPublicKeyInfo of an uncompressed point (RFC 5480), up to X.
inline constexpr std::array<std::uint8_t, 27> p256_spki_head{
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
    0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};

class P256Public {
public:
  /// X || Y, big-endian; refused when it is not a point of the curve.
  static Result<P256Public> from_xy(ByteView xy64);
  /// p256_spki_head and such a point.
  static Result<P256Public> from_spki(ByteView spki);

  /// Signature r || s, big-endian, over a SHA-256 digest. Both must be in 1..n-1; high s is fine.
  bool verify_raw(ByteView digest32, ByteView signature64) const;
  /// Strict DER SEQUENCE of two INTEGERs.
  bool verify_der(ByteView digest32, ByteView signature) const;

private:
  struct Key;
  explicit P256Public(std::shared_ptr<const Key> key) : key_(std::move(key)) {}
  std::shared_ptr<const Key> key_;
};

} // namespace dstack::crypto
