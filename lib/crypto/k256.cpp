#include "crypto/k256.hpp"

#include "crypto/random.hpp"

#include <algorithm>
#include <memory>
#include <secp256k1.h>
#include <secp256k1_recovery.h>

namespace dstack::crypto {

namespace {

struct FreeContext {
  void operator()(secp256k1_context* context) const { secp256k1_context_destroy(context); }
};
using Context = std::unique_ptr<secp256k1_context, FreeContext>;

/// Blinded against side channels, as the library asks; one for the program, whose threads only
/// read it.
const secp256k1_context* context()
{
  static const Context made = [] {
    Context fresh{secp256k1_context_create(SECP256K1_CONTEXT_SIGN | SECP256K1_CONTEXT_VERIFY)};
    Secret<32> seed;
    random_bytes(seed.mutable_view());
    DSTACK_ASSERT(secp256k1_context_randomize(fresh.get(), seed.view().data()) == 1);
    return fresh;
  }();
  return made.get();
}

constexpr std::size_t digest_size = 32;
constexpr std::size_t signature_size = 64;
constexpr std::size_t recoverable_size = 65;

Status check_digest(ByteView digest)
{
  if (digest.size() != digest_size)
    return fail(Errc::malformed, "a digest of {} bytes (want 32)", digest.size());
  return ok();
}

K256Public compressed(const secp256k1_pubkey& key)
{
  K256Public out{};
  std::size_t size = out.size();
  secp256k1_ec_pubkey_serialize(context(), out.data(), &size, &key, SECP256K1_EC_COMPRESSED);
  return out;
}

bool is_zero(ByteView bytes)
{
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

} // namespace

Result<K256Public> k256_public(const Secret<32>& scalar)
{
  secp256k1_pubkey key;
  if (secp256k1_ec_pubkey_create(context(), &key, scalar.view().data()) != 1)
    return fail(Errc::malformed, "secp256k1 scalar out of range");
  return compressed(key);
}

Status k256_check(const Secret<32>& scalar)
{
  if (secp256k1_ec_seckey_verify(context(), scalar.view().data()) == 1) return ok();
  return fail(Errc::malformed, "secp256k1 scalar out of range");
}

Result<Secret<32>> k256_even_y(const Secret<32>& scalar)
{
  constexpr std::uint8_t odd_y = 3; // SEC1 2.3.3: 02 even, 03 odd
  const auto key = TRY(k256_public(scalar));
  Secret<32> out = scalar;
  if (key[0] == odd_y)
    DSTACK_ASSERT(secp256k1_ec_seckey_negate(context(), out.mutable_view().data()) == 1);
  return out;
}

Result<K256Signature> k256_sign(const Secret<32>& scalar, ByteView digest32)
{
  const K256Recoverable full = TRY(k256_sign_recoverable(scalar, digest32));
  K256Signature out{};
  std::copy_n(full.begin(), out.size(), out.begin());
  return out;
}

Result<K256Recoverable> k256_sign_recoverable(const Secret<32>& scalar, ByteView digest32)
{
  TRY(check_digest(digest32));
  secp256k1_ecdsa_recoverable_signature signature;
  if (secp256k1_ecdsa_sign_recoverable(context(), &signature, digest32.data(), scalar.view().data(),
                                       nullptr, nullptr) != 1)
    return fail(Errc::malformed, "secp256k1 scalar out of range");
  K256Recoverable out{};
  int id = 0;
  secp256k1_ecdsa_recoverable_signature_serialize_compact(context(), out.data(), &id, &signature);
  out.back() = static_cast<std::uint8_t>(id);
  return out;
}

Result<bool> k256_verify(ByteView public_key, ByteView digest32, ByteView signature64)
{
  TRY(check_digest(digest32));
  secp256k1_pubkey key;
  // The library ends the program when it is passed no bytes at all.
  if (public_key.empty() ||
      secp256k1_ec_pubkey_parse(context(), &key, public_key.data(), public_key.size()) != 1)
    return fail(Errc::malformed, "invalid public key");
  secp256k1_ecdsa_signature signature;
  if (signature64.size() != signature_size || is_zero(signature64.first(digest_size)) ||
      is_zero(signature64.last(digest_size)) ||
      secp256k1_ecdsa_signature_parse_compact(context(), &signature, signature64.data()) != 1)
    return fail(Errc::malformed, "invalid signature");
  return secp256k1_ecdsa_verify(context(), &signature, digest32.data(), &key) == 1;
}

Result<K256Public> k256_recover(ByteView digest32, ByteView signature65)
{
  constexpr std::uint8_t highest_id = 3;
  TRY(check_digest(digest32));
  secp256k1_ecdsa_recoverable_signature signature;
  if (signature65.size() != recoverable_size || signature65.back() > highest_id ||
      secp256k1_ecdsa_recoverable_signature_parse_compact(context(), &signature, signature65.data(),
                                                          signature65.back()) != 1)
    return fail(Errc::malformed, "invalid signature");
  secp256k1_pubkey key;
  if (secp256k1_ecdsa_recover(context(), &key, &signature, digest32.data()) != 1)
    return fail(Errc::malformed, "the signature belongs to no key");
  return compressed(key);
}

} // namespace dstack::crypto
