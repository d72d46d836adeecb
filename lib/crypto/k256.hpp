#pragma once
/// secp256k1 keys and ECDSA signatures, through libsecp256k1: RFC 6979 nonces with HMAC-SHA256, low
/// S always.

#include "base/secret.hpp"

namespace dstack::crypto {

using K256Public = std::array<std::uint8_t, 33>;      ///< compressed SEC1
using K256Signature = std::array<std::uint8_t, 64>;   ///< r ‖ s, big-endian
using K256Recoverable = std::array<std::uint8_t, 65>; ///< r ‖ s ‖ recovery id, 0 to 3

/// The scalar as a BIP-340 key stores it: n - d when the public key's Y is odd (spec guest 13.3).
/// Refuses zero and anything not below the group order.
Result<Secret<32>> k256_even_y(const Secret<32>& scalar);
Result<K256Public> k256_public(const Secret<32>& scalar);
/// A scalar that k256_public would take.
Status k256_check(const Secret<32>& scalar);

/// Over a 32-byte digest. The scalar must be valid.
Result<K256Signature> k256_sign(const Secret<32>& scalar, ByteView digest32);
Result<K256Recoverable> k256_sign_recoverable(const Secret<32>& scalar, ByteView digest32);

/// Errors are Errc::malformed: a key that is no SEC1 point (33 or 65 bytes), a signature of another
/// size or with r or s outside 1..n-1. A signature with high S is well-formed, and false.
Result<bool> k256_verify(ByteView public_key, ByteView digest32, ByteView signature64);
/// The key that made a recoverable signature over the digest.
Result<K256Public> k256_recover(ByteView digest32, ByteView signature65);

} // namespace dstack::crypto
