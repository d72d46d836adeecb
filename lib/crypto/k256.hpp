#pragma once
/// secp256k1 keys, through libsecp256k1.

#include "base/secret.hpp"

namespace dstack::crypto {

/// The scalar as a BIP-340 key stores it: n - d when the public key's Y is odd (spec guest 13.3).
/// Refuses zero and anything not below the group order.
Result<Secret<32>> k256_even_y(const Secret<32>& scalar);
/// Compressed SEC1 public key, 33 bytes.
Result<std::array<std::uint8_t, 33>> k256_public(const Secret<32>& scalar);

} // namespace dstack::crypto
