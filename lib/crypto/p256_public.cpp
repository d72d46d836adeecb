// OpenSSL 3.0 decodes keys and signatures through its providers at several times the price of
// the older calls; verification is where that counts, so they are used here and nowhere else.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/p256_public.hpp"

#include "crypto/openssl.hpp"

#include <openssl/err.h>
#include <openssl/obj_mac.h>

namespace dstack::crypto {

namespace {

constexpr int half = 32;

using EcKey = std::unique_ptr<EC_KEY, FreeWith<EC_KEY_free>>;

const EC_GROUP* p256_group()
{
  static const Group group{EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1)};
  DSTACK_ASSERT(group != nullptr);
  return group.get();
}

} // namespace

struct P256Public::Key {
  EcKey key;
};

Result<P256Public> P256Public::from_xy(ByteView xy64)
{
  if (xy64.size() != std::size_t{2} * half)
    return fail(Errc::malformed, "public key of {} bytes (want 64)", xy64.size());
  std::array<std::uint8_t, 65> point{};
  point[0] = 4;
  std::copy(xy64.begin(), xy64.end(), point.begin() + 1);
  EcKey key{EC_KEY_new()};
  DSTACK_ASSERT(EC_KEY_set_group(key.get(), p256_group()) == 1);
  if (EC_KEY_oct2key(key.get(), point.data(), point.size(), nullptr) != 1) {
    ERR_clear_error();
    return fail(Errc::untrusted, "public key is not a point of P-256");
  }
  auto shared = std::make_shared<Key>();
  shared->key = std::move(key);
  return P256Public{std::move(shared)};
}

Result<P256Public> P256Public::from_spki(ByteView spki)
{
  const std::size_t head = p256_spki_head.size();
  if (spki.size() < head || !equal(spki.first(head), p256_spki_head))
    return fail(Errc::malformed, "it is no P-256 key");
  return from_xy(spki.subspan(head));
}

bool P256Public::verify_raw(ByteView digest32, ByteView signature64) const
{
  if (digest32.size() != half || signature64.size() != std::size_t{2} * half) return false;
  const EcdsaSignature signature{ECDSA_SIG_new()};
  Bn r{BN_bin2bn(signature64.data(), half, nullptr)};
  Bn s{BN_bin2bn(signature64.data() + half, half, nullptr)};
  DSTACK_ASSERT(ECDSA_SIG_set0(signature.get(), r.release(), s.release()) == 1);
  const int good = ECDSA_do_verify(digest32.data(), half, signature.get(), key_->key.get());
  if (good != 1) ERR_clear_error();
  return good == 1;
}

namespace {

/// A minimal non-negative INTEGER of at most 32 bytes at the front of der, right-aligned into out.
bool take_integer(ByteView& der, std::uint8_t* out)
{
  constexpr std::uint8_t integer_tag = 2;
  if (der.size() < 3 || der[0] != integer_tag) return false;
  const std::size_t size = der[1];
  if (size == 0 || size > half + 1 || der.size() < 2 + size) return false;
  ByteView value = der.subspan(2, size);
  der = der.subspan(2 + size);
  if ((value[0] & 0x80U) != 0) return false;
  if (value[0] == 0 && size > 1) {
    if ((value[1] & 0x80U) == 0) return false;
    value = value.subspan(1);
  }
  if (value.size() > half) return false;
  std::copy(value.begin(), value.end(), out + (half - value.size()));
  return true;
}

} // namespace

bool P256Public::verify_der(ByteView digest32, ByteView signature) const
{
  constexpr std::uint8_t sequence_tag = 0x30;
  if (signature.size() < 2 || signature[0] != sequence_tag || signature[1] >= 0x80U) return false;
  if (signature.size() != std::size_t{2} + signature[1]) return false;
  ByteView rest = signature.subspan(2);
  std::array<std::uint8_t, 64> raw{};
  if (!take_integer(rest, raw.data()) || !take_integer(rest, raw.data() + half)) return false;
  return rest.empty() && verify_raw(digest32, raw);
}

} // namespace dstack::crypto
