#pragma once
/// AES-256-GCM (NIST SP 800-38D) with a 12-byte nonce and a 16-byte tag behind the ciphertext,
/// through OpenSSL. No additional data.

#include "base/secret.hpp"

namespace dstack::crypto {

using GcmNonce = std::array<std::uint8_t, 12>;

Bytes aes256_gcm_seal(const Secret<32>& key, const GcmNonce& nonce, ByteView plain);
/// Errc::untrusted when the tag does not fit.
Result<Bytes> aes256_gcm_open(const Secret<32>& key, const GcmNonce& nonce, ByteView sealed);

} // namespace dstack::crypto
