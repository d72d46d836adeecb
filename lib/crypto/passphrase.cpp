#include "crypto/passphrase.hpp"

#include <sodium.h>

namespace dstack::crypto {

namespace {

constexpr std::uint32_t most_passes = 32;
constexpr std::uint64_t most_memory = std::uint64_t{1} << 30U;

} // namespace

Result<Secret<32>>
argon2id(ByteView passphrase, const PassphraseSalt& salt, const PassphraseCost& cost)
{
  static_assert(std::tuple_size_v<PassphraseSalt> == crypto_pwhash_argon2id_SALTBYTES);
  if (cost.passes < crypto_pwhash_argon2id_OPSLIMIT_MIN || cost.passes > most_passes ||
      cost.memory_bytes < crypto_pwhash_argon2id_MEMLIMIT_MIN || cost.memory_bytes > most_memory)
    return fail(Errc::malformed, "Argon2id with {} passes over {} bytes is outside the limits",
                cost.passes, cost.memory_bytes);
  Secret<32> out;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): libsodium takes char.
  const auto* text = reinterpret_cast<const char*>(passphrase.data());
  if (crypto_pwhash_argon2id(out.mutable_view().data(), out.view().size(), text, passphrase.size(),
                             salt.data(), cost.passes, cost.memory_bytes,
                             crypto_pwhash_argon2id_ALG_ARGON2ID13) != 0)
    return fail(Errc::io, "Argon2id: no {} bytes of memory", cost.memory_bytes);
  return out;
}

} // namespace dstack::crypto
