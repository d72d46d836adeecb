#include "crypto/hash.hpp"

#include "crypto/openssl.hpp"

#include <openssl/crypto.h>
#include <openssl/hmac.h>

namespace dstack::crypto {

namespace {

template <std::size_t N> const EVP_MD* algorithm()
{
  // Fetched once: EVP_sha256() and its kind look the implementation up at every use.
  static EVP_MD* const fetched = EVP_MD_fetch(nullptr,
                                              N == 32   ? "SHA2-256"
                                              : N == 48 ? "SHA2-384"
                                                        : "SHA2-512",
                                              nullptr);
  DSTACK_ASSERT(fetched != nullptr);
  return fetched;
}

template <std::size_t N> std::array<std::uint8_t, N> digest(ByteView data)
{
  std::array<std::uint8_t, N> out{};
  unsigned size = N;
  DSTACK_ASSERT(EVP_Digest(data.data(), data.size(), out.data(), &size, algorithm<N>(), nullptr) ==
                1);
  return out;
}

template <std::size_t N>
std::array<std::uint8_t, N> hmac(const EVP_MD* hash, ByteView key, ByteView data)
{
  std::array<std::uint8_t, N> out{};
  unsigned size = 0;
  const auto* done = HMAC(hash, key.data(), static_cast<int>(key.size()), data.data(), data.size(),
                          out.data(), &size);
  DSTACK_ASSERT(done != nullptr && size == out.size());
  return out;
}

} // namespace

Sha256Digest sha256(ByteView data)
{
  return digest<32>(data);
}
Sha384Digest sha384(ByteView data)
{
  return digest<48>(data);
}
Sha512Digest sha512(ByteView data)
{
  return digest<64>(data);
}

template <std::size_t N> struct Hasher<N>::State {
  DigestContext context{EVP_MD_CTX_new()};
  State() { start(); }
  void start() const
  {
    DSTACK_ASSERT(EVP_DigestInit_ex(context.get(), algorithm<N>(), nullptr) == 1);
  }
};

template <std::size_t N> Hasher<N>::Hasher() : state_(std::make_unique<State>()) {}
template <std::size_t N> Hasher<N>::Hasher(Hasher&&) noexcept = default;
template <std::size_t N> Hasher<N>& Hasher<N>::operator=(Hasher&&) noexcept = default;
template <std::size_t N> Hasher<N>::~Hasher() = default;

template <std::size_t N> void Hasher<N>::update(ByteView data)
{
  DSTACK_ASSERT(EVP_DigestUpdate(state_->context.get(), data.data(), data.size()) == 1);
}

template <std::size_t N> std::array<std::uint8_t, N> Hasher<N>::finish()
{
  std::array<std::uint8_t, N> out{};
  DSTACK_ASSERT(EVP_DigestFinal_ex(state_->context.get(), out.data(), nullptr) == 1);
  state_->start();
  return out;
}

template class Hasher<32>;
template class Hasher<48>;

Sha256Digest hmac_sha256(ByteView key, ByteView data)
{
  return hmac<32>(EVP_sha256(), key, data);
}

Sha512Digest hmac_sha512(ByteView key, ByteView data)
{
  return hmac<64>(EVP_sha512(), key, data);
}

Bytes hkdf_sha256(ByteView input_key, ByteView salt, ByteView info, std::size_t size)
{
  constexpr std::size_t most = 255 * 32;
  DSTACK_ASSERT(size <= most);
  const Sha256Digest key = hmac_sha256(salt, input_key);
  Bytes out;
  Bytes block;
  for (std::uint8_t counter = 1; out.size() < size; ++counter) {
    const Sha256Digest next = hmac_sha256(key, concat({block, info, ByteView{&counter, 1}}));
    block.assign(next.begin(), next.end());
    out.insert(out.end(), block.begin(), block.end());
  }
  out.resize(size);
  return out;
}

bool equal_ct(ByteView a, ByteView b)
{
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

} // namespace dstack::crypto
