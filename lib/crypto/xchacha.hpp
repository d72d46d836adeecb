#pragma once
/// XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha) through libsodium: nonces of 24 bytes are long
/// enough to be drawn at random for any number of messages. The tag is behind the ciphertext.

#include "base/secret.hpp"

namespace dstack::crypto {

using XchachaNonce = std::array<std::uint8_t, 24>;
inline constexpr std::size_t xchacha_tag_size = 16;

Bytes xchacha_seal(const Secret<32>& key,
                   const XchachaNonce& nonce,
                   ByteView context,
                   ByteView plain);
/// Errc::untrusted when key, context or a byte does not fit.
Result<SecretBytes>
xchacha_open(const Secret<32>& key, const XchachaNonce& nonce, ByteView context, ByteView sealed);

} // namespace dstack::crypto
