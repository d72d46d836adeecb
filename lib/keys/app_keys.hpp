#pragma once
/// Keys of an app: from a KMS, or derived from one seed when there is none (spec guest 13.1, 13.3).

#include "crypto/p256.hpp"

#include <optional>

namespace dstack::keys {

/// HKDF-SHA256 with salt "RATLS", info = the contexts joined, 32 bytes (spec guest 13.1).
Secret<32> derive(ByteView input_key, std::initializer_list<std::string_view> contexts);
/// The same as a P-256 private key; fails when it is no scalar of the group (about once in 2^32).
Result<crypto::P256Key> derive_p256(ByteView input_key,
                                    std::initializer_list<std::string_view> contexts);
/// SHA-256 of the PKCS#8 DER of that key: disk and environment keys (spec guest 13.1).
Result<Secret<32>> derive_hashed(ByteView input_key,
                                 std::initializer_list<std::string_view> contexts);

struct AppKeys {
  Secret<32> disk_crypt_key;               ///< SHA256 of the PKCS#8 DER of the key "app-disk-key"
  Secret<32> k256_key;                     ///< "app-k256-key", normalised to even Y
  std::optional<crypto::P256Key> app_ca{}; ///< "app-key"; a KMS keeps it to itself
  Bytes k256_signature{}; ///< 65 bytes: a KMS vouches for k256_key; empty without one
};

/// Fails only when a derived scalar falls outside its group (about once in 2^31).
Result<AppKeys> from_seed(const Secret<32>& seed);

} // namespace dstack::keys
