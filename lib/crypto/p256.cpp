#include "crypto/p256.hpp"

#include "crypto/p256_public.hpp"

#include <openssl/core_names.h>
#include <openssl/param_build.h>

namespace dstack::crypto {

namespace {

constexpr std::size_t scalar_size = 32;
constexpr std::size_t max_der = 4096;

using ParamBuilder = std::unique_ptr<OSSL_PARAM_BLD, FreeWith<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, FreeWith<OSSL_PARAM_free>>;

using Xy = std::array<std::uint8_t, 64>;

/// One for the program; it is only read.
const EC_GROUP* group()
{
  static const Group made{EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1)};
  return made.get();
}

Result<Pkey> key_from_params(const ParamBuilder& builder, int selection)
{
  const Params params{OSSL_PARAM_BLD_to_param(builder.get())};
  const PkeyContext context{EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr)};
  EVP_PKEY* made = nullptr;
  if (EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &made, selection, params.get()) != 1)
    return openssl_error(Errc::malformed, "P-256 key");
  return Pkey{made};
}

std::array<std::uint8_t, 65> point_of(const BIGNUM* scalar)
{
  std::array<std::uint8_t, 65> out{};
  const Point point{EC_POINT_new(group())};
  DSTACK_ASSERT(EC_POINT_mul(group(), point.get(), scalar, nullptr, nullptr, nullptr) == 1);
  DSTACK_ASSERT(EC_POINT_point2oct(group(), point.get(), POINT_CONVERSION_UNCOMPRESSED, out.data(),
                                   out.size(), nullptr) == out.size());
  return out;
}

Xy xy_of(const std::array<std::uint8_t, 65>& point)
{
  Xy out{};
  std::copy(point.begin() + 1, point.end(), out.begin());
  return out;
}

Result<SecretBn> checked_scalar(ByteView scalar32)
{
  if (scalar32.size() != scalar_size)
    return fail(Errc::malformed, "P-256 scalar of {} bytes (want 32)", scalar32.size());
  SecretBn out{BN_bin2bn(scalar32.data(), scalar_size, BN_secure_new())};
  DSTACK_ASSERT(out != nullptr);
  if (BN_is_zero(out.get()) == 1 || BN_cmp(out.get(), EC_GROUP_get0_order(group())) >= 0)
    return fail(Errc::malformed, "P-256 scalar out of range");
  return out;
}

/// Written out because its bytes are hashed: version 0, id-ecPublicKey with prime256v1, then the
/// ECPrivateKey without parameters and with the public key.
SecretBytes pkcs8_of(ByteView scalar32, ByteView xy)
{
  static const Bytes head =
      *parse_hex("308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420");
  static const Bytes middle = *parse_hex("a14403420004");
  return SecretBytes{concat({head, scalar32, middle, xy})};
}

} // namespace

P256Key P256Key::generate()
{
  Pkey key{EVP_EC_gen("P-256")};
  DSTACK_ASSERT(key != nullptr);
  std::array<std::uint8_t, 65> point{};
  std::size_t size = 0;
  DSTACK_ASSERT(EVP_PKEY_get_octet_string_param(key.get(), OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY,
                                                point.data(), point.size(), &size) == 1 &&
                size == point.size());
  return P256Key{std::move(key), xy_of(point)};
}

Result<P256Key> P256Key::from_scalar(ByteView scalar32)
{
  const SecretBn scalar = TRY(checked_scalar(scalar32));
  const auto point = point_of(scalar.get());
  const ParamBuilder builder{OSSL_PARAM_BLD_new()};
  OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, scalar.get());
  OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                   point.size());
  Pkey key = TRY(key_from_params(builder, EVP_PKEY_KEYPAIR));
  return P256Key{std::move(key), xy_of(point)};
}

Result<P256Key> P256Key::from_pkcs8_der(ByteView der)
{
  if (der.size() > max_der) return fail(Errc::malformed, "private key of {} bytes", der.size());
  const unsigned char* at = der.data();
  const Pkey key{d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(der.size()))};
  if (!key || at != der.data() + der.size()) return openssl_error(Errc::malformed, "private key");
  BIGNUM* raw = nullptr;
  if (EVP_PKEY_get_bn_param(key.get(), OSSL_PKEY_PARAM_PRIV_KEY, &raw) != 1)
    return openssl_error(Errc::malformed, "private key is not an EC key");
  const SecretBn scalar{raw};
  Secret<scalar_size> bytes;
  if (BN_bn2binpad(scalar.get(), bytes.mutable_view().data(), scalar_size) < 0)
    return fail(Errc::malformed, "private key is not a P-256 key");
  P256Key out = TRY(from_scalar(bytes.view()));
  if (EVP_PKEY_eq(out.get(), key.get()) != 1)
    return fail(Errc::malformed, "private key is not a P-256 key");
  return out;
}

Secret<32> P256Key::scalar() const
{
  BIGNUM* raw = nullptr;
  DSTACK_ASSERT(EVP_PKEY_get_bn_param(key_.get(), OSSL_PKEY_PARAM_PRIV_KEY, &raw) == 1);
  const SecretBn scalar{raw};
  Secret<32> out;
  DSTACK_ASSERT(BN_bn2binpad(scalar.get(), out.mutable_view().data(), scalar_size) == scalar_size);
  return out;
}

SecretBytes P256Key::pkcs8_der() const
{
  return pkcs8_of(scalar().view(), xy_);
}

Result<SecretBytes> P256Key::pkcs8_der_of(ByteView scalar32)
{
  const SecretBn scalar = TRY(checked_scalar(scalar32));
  return pkcs8_of(scalar32, xy_of(point_of(scalar.get())));
}

std::string P256Key::pkcs8_pem() const
{
  constexpr std::string_view head = "-----BEGIN PRIVATE KEY-----\n";
  constexpr std::string_view tail = "-----END PRIVATE KEY-----\n";
  constexpr std::size_t width = 64;
  const SecretBytes text{to_bytes(base64(pkcs8_der().view()))};
  std::string out;
  out.reserve(head.size() + text.size() + text.size() / width + 1 + tail.size());
  out += head;
  for (std::size_t i = 0; i < text.size(); i += width) {
    out += as_text(text.view()).substr(i, width);
    out += '\n';
  }
  return out += tail;
}

Bytes P256Key::spki_der() const
{
  return concat({p256_spki_head, xy_});
}

Bytes P256Key::sign_der(ByteView message) const
{
  const DigestContext context{EVP_MD_CTX_new()};
  DSTACK_ASSERT(EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()) == 1);
  std::size_t size = 0;
  DSTACK_ASSERT(EVP_DigestSign(context.get(), nullptr, &size, message.data(), message.size()) == 1);
  Bytes out(size);
  DSTACK_ASSERT(EVP_DigestSign(context.get(), out.data(), &size, message.data(), message.size()) ==
                1);
  out.resize(size);
  return out;
}

std::array<std::uint8_t, 64> P256Key::sign_raw(ByteView message) const
{
  const Bytes der = sign_der(message);
  const unsigned char* at = der.data();
  const EcdsaSignature signature{d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()))};
  DSTACK_ASSERT(signature != nullptr);
  std::array<std::uint8_t, 64> out{};
  BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), out.data(), scalar_size);
  BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), out.data() + scalar_size, scalar_size);
  return out;
}

} // namespace dstack::crypto
