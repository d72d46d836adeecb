#include "crypto/keccak.hpp"

#include "crypto/hash.hpp"
#include "crypto/openssl.hpp"

#include <nettle/sha3.h>

namespace dstack::crypto {

namespace {

constexpr std::size_t word_bytes = 8;

void absorb(sha3_state& state, ByteView block)
{
  for (std::size_t i = 0; i < block.size(); ++i)
    state.a[i / word_bytes] ^= std::uint64_t{block[i]} << (8 * (i % word_bytes));
}

/// The sponge with padding 01…80 (Keccak submission, version 3, section 1.1.1); output_size bytes
/// come out of one block, for digests up to 64 bytes.
Bytes keccak(ByteView data, std::size_t output_size)
{
  constexpr std::size_t state_bytes = 200;
  const std::size_t rate = state_bytes - 2 * output_size;
  sha3_state state{};
  for (; data.size() >= rate; data = data.subspan(rate)) {
    absorb(state, data.first(rate));
    sha3_permute(&state);
  }
  Bytes last(rate);
  std::copy(data.begin(), data.end(), last.begin());
  last[data.size()] ^= 0x01U;
  last[rate - 1] ^= 0x80U;
  absorb(state, last);
  sha3_permute(&state);
  Bytes out(output_size);
  for (std::size_t i = 0; i < output_size; ++i)
    out[i] = static_cast<std::uint8_t>(state.a[i / word_bytes] >> (8 * (i % word_bytes)));
  return out;
}

Bytes openssl_digest(const char* name, ByteView data)
{
  Bytes out(EVP_MAX_MD_SIZE);
  std::size_t size = 0;
  DSTACK_ASSERT(EVP_Q_digest(nullptr, name, nullptr, data.data(), data.size(), out.data(), &size) ==
                1);
  out.resize(size);
  return out;
}

} // namespace

Keccak256Digest keccak256(ByteView data)
{
  const Bytes raw = keccak(data, 32);
  Keccak256Digest out{};
  std::copy(raw.begin(), raw.end(), out.begin());
  return out;
}

Result<Bytes> named_digest(std::string_view name, ByteView data)
{
  struct Named {
    std::string_view name;
    const char* openssl; ///< nullptr: Keccak
    std::size_t size;
  };
  constexpr std::array<Named, 9> known = {{{"sha256", "SHA2-256", 32},
                                           {"sha384", "SHA2-384", 48},
                                           {"sha512", "SHA2-512", 64},
                                           {"sha3-256", "SHA3-256", 32},
                                           {"sha3-384", "SHA3-384", 48},
                                           {"sha3-512", "SHA3-512", 64},
                                           {"keccak256", nullptr, 32},
                                           {"keccak384", nullptr, 48},
                                           {"keccak512", nullptr, 64}}};
  for (const Named& one : known)
    if (one.name == name)
      return one.openssl == nullptr ? keccak(data, one.size) : openssl_digest(one.openssl, data);
  return fail(Errc::unsupported, "invalid hash algorithm");
}

} // namespace dstack::crypto
