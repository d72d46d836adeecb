#include "crypto/x25519.hpp"

#include <sodium.h>

namespace dstack::crypto {

X25519Public x25519_public(const Secret<32>& secret)
{
  X25519Public out{};
  DSTACK_ASSERT(crypto_scalarmult_base(out.data(), secret.view().data()) == 0);
  return out;
}

Result<Secret<32>> x25519_shared(const Secret<32>& secret, ByteView public_key)
{
  if (public_key.size() != crypto_scalarmult_BYTES)
    return fail(Errc::malformed, "an X25519 public key of {} bytes (want 32)", public_key.size());
  Secret<32> out;
  if (crypto_scalarmult(out.mutable_view().data(), secret.view().data(), public_key.data()) != 0)
    return fail(Errc::malformed, "an X25519 public key of small order");
  return out;
}

} // namespace dstack::crypto
