#include "crypto/aead.hpp"

#include "crypto/openssl.hpp"

#include <climits>

namespace dstack::crypto {

namespace {

using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, FreeWith<EVP_CIPHER_CTX_free>>;

constexpr std::size_t tag_size = 16;

} // namespace

Bytes aes256_gcm_seal(const Secret<32>& key, const GcmNonce& nonce, ByteView plain)
{
  DSTACK_ASSERT(plain.size() <= INT_MAX - tag_size);
  const CipherContext context{EVP_CIPHER_CTX_new()};
  Bytes out(plain.size() + tag_size);
  int size = 0;
  int last = 0;
  DSTACK_ASSERT(EVP_EncryptInit_ex2(context.get(), EVP_aes_256_gcm(), key.view().data(),
                                    nonce.data(), nullptr) == 1 &&
                EVP_EncryptUpdate(context.get(), out.data(), &size, plain.data(),
                                  static_cast<int>(plain.size())) == 1 &&
                EVP_EncryptFinal_ex(context.get(), out.data() + size, &last) == 1 &&
                EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, tag_size,
                                    out.data() + plain.size()) == 1);
  return out;
}

Result<Bytes> aes256_gcm_open(const Secret<32>& key, const GcmNonce& nonce, ByteView sealed)
{
  if (sealed.size() < tag_size || sealed.size() > INT_MAX)
    return fail(Errc::malformed, "{} bytes of ciphertext", sealed.size());
  const ByteView body = sealed.first(sealed.size() - tag_size);
  Bytes tag = to_bytes(sealed.last(tag_size));
  const CipherContext context{EVP_CIPHER_CTX_new()};
  Bytes out(body.size());
  int size = 0;
  int last = 0;
  const bool good =
      EVP_DecryptInit_ex2(context.get(), EVP_aes_256_gcm(), key.view().data(), nonce.data(),
                          nullptr) == 1 &&
      EVP_DecryptUpdate(context.get(), out.data(), &size, body.data(),
                        static_cast<int>(body.size())) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, tag_size, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(context.get(), out.data() + size, &last) == 1;
  if (good) return out;
  wipe(out);
  return openssl_error(Errc::untrusted, "decryption failed");
}

} // namespace dstack::crypto
