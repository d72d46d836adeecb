#include "crypto/k256.hpp"

#include "crypto/random.hpp"

#include <memory>
#include <secp256k1.h>

namespace dstack::crypto {

namespace {

struct FreeContext {
  void operator()(secp256k1_context* context) const { secp256k1_context_destroy(context); }
};
using Context = std::unique_ptr<secp256k1_context, FreeContext>;

/// Blinded against side channels, as the library asks.
Context make_context()
{
  Context context{secp256k1_context_create(SECP256K1_CONTEXT_SIGN)};
  Secret<32> seed;
  random_bytes(seed.mutable_view());
  DSTACK_ASSERT(secp256k1_context_randomize(context.get(), seed.view().data()) == 1);
  return context;
}

} // namespace

Result<std::array<std::uint8_t, 33>> k256_public(const Secret<32>& scalar)
{
  const Context context = make_context();
  secp256k1_pubkey key;
  if (secp256k1_ec_pubkey_create(context.get(), &key, scalar.view().data()) != 1)
    return fail(Errc::malformed, "secp256k1 scalar out of range");
  std::array<std::uint8_t, 33> out{};
  std::size_t size = out.size();
  secp256k1_ec_pubkey_serialize(context.get(), out.data(), &size, &key, SECP256K1_EC_COMPRESSED);
  return out;
}

Result<Secret<32>> k256_even_y(const Secret<32>& scalar)
{
  constexpr std::uint8_t odd_y = 3; // SEC1 2.3.3: 02 even, 03 odd
  const auto key = TRY(k256_public(scalar));
  Secret<32> out = scalar;
  if (key[0] == odd_y) {
    const Context context = make_context();
    DSTACK_ASSERT(secp256k1_ec_seckey_negate(context.get(), out.mutable_view().data()) == 1);
  }
  return out;
}

} // namespace dstack::crypto
