#pragma once
/// Keys of an app, derived from one seed when there is no KMS (spec guest 13.1, 13.3).

#include "crypto/p256.hpp"

namespace dstack::keys {

/// HKDF-SHA256 with salt "RATLS", info = the contexts joined, 32 bytes (spec guest 13.1).
Secret<32> derive(ByteView input_key, std::initializer_list<std::string_view> contexts);

struct AppKeys {
  Secret<32> disk_crypt_key; ///< SHA256 of the PKCS#8 DER of the key "app-disk-key"
  Secret<32> k256_key;       ///< "app-k256-key", normalised to even Y
  crypto::P256Key app_ca;    ///< "app-key"
};

/// Fails only when a derived scalar falls outside its group (about once in 2^128).
Result<AppKeys> from_seed(const Secret<32>& seed);

} // namespace dstack::keys
