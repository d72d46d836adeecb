#pragma once
/// X25519 (RFC 7748), through libsodium: the shared point itself, not a key made from it.

#include "base/secret.hpp"

namespace dstack::crypto {

using X25519Public = std::array<std::uint8_t, 32>;

X25519Public x25519_public(const Secret<32>& secret);
/// Errc::malformed when the result is the all-zero point, which says nothing of either secret.
Result<Secret<32>> x25519_shared(const Secret<32>& secret, ByteView public_key);

} // namespace dstack::crypto
