#include "crypto/xchacha.hpp"

#include <sodium.h>

namespace dstack::crypto {

static_assert(std::tuple_size_v<XchachaNonce> == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES);
static_assert(xchacha_tag_size == crypto_aead_xchacha20poly1305_ietf_ABYTES);

Bytes xchacha_seal(const Secret<32>& key,
                   const XchachaNonce& nonce,
                   ByteView context,
                   ByteView plain)
{
  Bytes out(plain.size() + xchacha_tag_size);
  DSTACK_ASSERT(crypto_aead_xchacha20poly1305_ietf_encrypt(
                    out.data(), nullptr, plain.data(), plain.size(), context.data(), context.size(),
                    nullptr, nonce.data(), key.view().data()) == 0);
  return out;
}

Result<SecretBytes>
xchacha_open(const Secret<32>& key, const XchachaNonce& nonce, ByteView context, ByteView sealed)
{
  if (sealed.size() < xchacha_tag_size)
    return fail(Errc::malformed, "{} bytes of ciphertext", sealed.size());
  SecretBytes out{sealed.size() - xchacha_tag_size};
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(
          out.mutable_view().data(), nullptr, nullptr, sealed.data(), sealed.size(), context.data(),
          context.size(), nonce.data(), key.view().data()) != 0)
    return fail(Errc::untrusted, "decryption failed");
  return out;
}

} // namespace dstack::crypto
