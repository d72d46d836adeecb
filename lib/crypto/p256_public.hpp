#pragma once
/// Imported P-256 public keys, for callers that verify much: the point is decoded and checked once.

#include "base/bytes.hpp"

#include <memory>

namespace dstack::crypto {

class P256Public {
public:
  /// X || Y, big-endian; refused when it is not a point of the curve.
  static Result<P256Public> from_xy(ByteView xy64);

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
