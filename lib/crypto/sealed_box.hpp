#pragma once
/// Sealed boxes of 32-byte keys (libsodium crypto_box_seal: X25519, XSalsa20-Poly1305, nonce from
/// both public keys), as SGX key providers answer (spec kms 16).

#include "base/secret.hpp"

namespace dstack::crypto {

using BoxPublic = std::array<std::uint8_t, 32>;
inline constexpr std::size_t sealed_key_size = 80; ///< ephemeral key, tag, 32 bytes

/// An X25519 pair that somebody seals a key to.
class BoxKey {
public:
  static BoxKey generate();
  static BoxKey from_secret(const Secret<32>& scalar);

  const BoxPublic& public_key() const { return public_; }
  /// Errc::malformed for another size, Errc::untrusted for a box that is not sealed to this key.
  Result<Secret<32>> open(ByteView sealed) const;

private:
  explicit BoxKey(Secret<32> secret);
  Secret<32> secret_;
  BoxPublic public_{};
};

/// Fails for public keys of low order.
Result<Bytes> seal_key(const BoxPublic& to, const Secret<32>& key);

} // namespace dstack::crypto
