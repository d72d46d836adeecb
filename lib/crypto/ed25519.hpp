#pragma once
/// Ed25519 (RFC 8032), through libsodium.

#include "base/secret.hpp"

namespace dstack::crypto {

using Ed25519Public = std::array<std::uint8_t, 32>;
using Ed25519Signature = std::array<std::uint8_t, 64>;

Ed25519Public ed25519_public(const Secret<32>& seed);
Ed25519Signature ed25519_sign(const Secret<32>& seed, ByteView message);

/// Errors are Errc::malformed: a key or signature of another size, or a key that is no point.
Result<bool> ed25519_verify(ByteView public_key, ByteView message, ByteView signature);

} // namespace dstack::crypto
