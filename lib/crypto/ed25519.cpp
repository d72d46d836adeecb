#include "crypto/ed25519.hpp"

#include <sodium.h>

namespace dstack::crypto {

namespace {

struct Pair {
  Ed25519Public open{};
  Secret<crypto_sign_SECRETKEYBYTES> secret;
};

Pair pair_of(const Secret<32>& seed)
{
  Pair out;
  DSTACK_ASSERT(crypto_sign_seed_keypair(out.open.data(), out.secret.mutable_view().data(),
                                         seed.view().data()) == 0);
  return out;
}

/// Decodes to a point of the curve, of whatever order.
bool is_point(ByteView key)
{
  Ed25519Public sum{};
  return crypto_core_ed25519_add(sum.data(), key.data(), key.data()) == 0;
}

} // namespace

Ed25519Public ed25519_public(const Secret<32>& seed)
{
  return pair_of(seed).open;
}

Ed25519Signature ed25519_sign(const Secret<32>& seed, ByteView message)
{
  const Pair pair = pair_of(seed);
  Ed25519Signature out{};
  DSTACK_ASSERT(crypto_sign_detached(out.data(), nullptr, message.data(), message.size(),
                                     pair.secret.view().data()) == 0);
  return out;
}

Result<bool> ed25519_verify(ByteView public_key, ByteView message, ByteView signature)
{
  if (public_key.size() != crypto_sign_PUBLICKEYBYTES || !is_point(public_key))
    return fail(Errc::malformed, "invalid public key");
  if (signature.size() != crypto_sign_BYTES) return fail(Errc::malformed, "invalid signature");
  return crypto_sign_verify_detached(signature.data(), message.data(), message.size(),
                                     public_key.data()) == 0;
}

} // namespace dstack::crypto
