#pragma once
/// Keys from passphrases: Argon2id (RFC 9106) through libsodium.

#include "base/secret.hpp"

namespace dstack::crypto {

using PassphraseSalt = std::array<std::uint8_t, 16>;

/// What one guess costs. The limits bound what a file from elsewhere can make us do.
struct PassphraseCost {
  std::uint32_t passes = 4;                               ///< 1 to 32
  std::uint64_t memory_bytes = std::uint64_t{128} << 20U; ///< 8 KiB to 1 GiB
  bool operator==(const PassphraseCost&) const = default;
};

/// Errc::malformed for a cost outside its limits, Errc::io when the memory is not to be had.
Result<Secret<32>>
argon2id(ByteView passphrase, const PassphraseSalt& salt, const PassphraseCost& cost);

} // namespace dstack::crypto
