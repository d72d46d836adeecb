#include "crypto/sealed_box.hpp"

#include "crypto/random.hpp"

#include <sodium.h>

namespace dstack::crypto {

static_assert(sealed_key_size == 32 + crypto_box_SEALBYTES);

BoxKey::BoxKey(Secret<32> secret) : secret_(std::move(secret))
{
  DSTACK_ASSERT(crypto_scalarmult_base(public_.data(), secret_.view().data()) == 0);
}

BoxKey BoxKey::generate()
{
  Secret<32> scalar;
  random_bytes(scalar.mutable_view());
  return BoxKey{std::move(scalar)};
}

BoxKey BoxKey::from_secret(const Secret<32>& scalar)
{
  return BoxKey{scalar};
}

Result<Secret<32>> BoxKey::open(ByteView sealed) const
{
  if (sealed.size() != sealed_key_size)
    return fail(Errc::malformed, "sealed key of {} bytes (want {})", sealed.size(),
                sealed_key_size);
  Secret<32> out;
  if (crypto_box_seal_open(out.mutable_view().data(), sealed.data(), sealed.size(), public_.data(),
                           secret_.view().data()) != 0)
    return fail(Errc::untrusted, "the box is not sealed to the key of this request");
  return out;
}

Result<Bytes> seal_key(const BoxPublic& to, const Secret<32>& key)
{
  Bytes out(sealed_key_size);
  if (crypto_box_seal(out.data(), key.view().data(), key.view().size(), to.data()) != 0)
    return fail(Errc::malformed, "the recipient's X25519 key {} is of low order", hex(to));
  return out;
}

} // namespace dstack::crypto
