#pragma once
/// Keccak as it was before NIST changed its padding: what Ethereum, and so signatures over
/// dstack keys, hash with. OpenSSL has it from 3.2 on only; the permutation here is nettle's.

#include "base/bytes.hpp"

namespace dstack::crypto {

using Keccak256Digest = std::array<std::uint8_t, 32>;

Keccak256Digest keccak256(ByteView data);

/// The hash functions a caller may name (spec guest 3): sha256 sha384 sha512, sha3-256 sha3-384
/// sha3-512, keccak256 keccak384 keccak512. Errc::unsupported for another name.
Result<Bytes> named_digest(std::string_view name, ByteView data);

} // namespace dstack::crypto
