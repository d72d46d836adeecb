#pragma once
/// SHA-2 (FIPS 180-4), HMAC (RFC 2104), HKDF (RFC 5869) and constant-time comparison.

#include "base/bytes.hpp"

#include <memory>

namespace dstack::crypto {

using Sha256Digest = std::array<std::uint8_t, 32>;
using Sha384Digest = std::array<std::uint8_t, 48>;
using Sha512Digest = std::array<std::uint8_t, 64>;

Sha256Digest sha256(ByteView data);
Sha384Digest sha384(ByteView data);
Sha512Digest sha512(ByteView data);

/// SHA-256 or SHA-384 over data that comes in pieces.
template <std::size_t N> class Hasher {
public:
  Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  ~Hasher();
  void update(ByteView data);
  /// The digest of everything so far; the hasher starts over.
  std::array<std::uint8_t, N> finish();

private:
  struct State;
  std::unique_ptr<State> state_;
};
using Sha256 = Hasher<32>;
using Sha384 = Hasher<48>;

Sha256Digest hmac_sha256(ByteView key, ByteView data);
Sha512Digest hmac_sha512(ByteView key, ByteView data);
/// HKDF-SHA256, extract and expand; size <= 8160.
Bytes hkdf_sha256(ByteView input_key, ByteView salt, ByteView info, std::size_t size);

/// Equality whose time does not depend on the contents (lengths are public).
bool equal_ct(ByteView a, ByteView b);

} // namespace dstack::crypto
