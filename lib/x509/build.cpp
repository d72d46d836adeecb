#include "x509/build.hpp"

#include "crypto/openssl_der.hpp"
#include "crypto/p256_public.hpp"

namespace dstack::x509 {

namespace {

using crypto::FreeWith;
using crypto::openssl_error;
using Object = std::unique_ptr<ASN1_OBJECT, FreeWith<ASN1_OBJECT_free>>;
using OctetString = std::unique_ptr<ASN1_OCTET_STRING, FreeWith<ASN1_OCTET_STRING_free>>;

} // namespace

crypto::X509Extension make_extension(const Extension& wanted)
{
  const Object oid{OBJ_txt2obj(wanted.oid.c_str(), 1)};
  const OctetString value{ASN1_OCTET_STRING_new()};
  ASN1_OCTET_STRING_set(value.get(), wanted.value.data(), static_cast<int>(wanted.value.size()));
  return crypto::X509Extension{
      X509_EXTENSION_create_by_OBJ(nullptr, oid.get(), wanted.critical ? 1 : 0, value.get())};
}

void set_entry(X509_NAME* name, const char* type, const std::string& text)
{
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): OpenSSL's unsigned text.
  const auto* raw = reinterpret_cast<const unsigned char*>(text.data());
  DSTACK_ASSERT(X509_NAME_add_entry_by_txt(name, type, MBSTRING_UTF8, raw,
                                           static_cast<int>(text.size()), -1, 0) == 1);
}

Status set_public_key(X509* certificate, ByteView spki)
{
  // RFC 5480: id-ecPublicKey with prime256v1, then the uncompressed point. Taken apart here:
  // OpenSSL needs ten times as long to decode and encode it.
  static_cast<void>(TRY(crypto::P256Public::from_spki(spki).within("subject public key")));
  constexpr std::size_t point_size = 65;
  const ByteView point = spki.last(point_size);
  void* const memory = OPENSSL_memdup(point.data(), point.size());
  auto* const copy = static_cast<unsigned char*>(memory);
  // Takes the copy over when it succeeds; it fails only without memory.
  DSTACK_ASSERT(copy != nullptr &&
                X509_PUBKEY_set0_param(X509_get_X509_PUBKEY(certificate),
                                       OBJ_nid2obj(NID_X9_62_id_ecPublicKey), V_ASN1_OBJECT,
                                       OBJ_nid2obj(NID_X9_62_prime256v1), copy,
                                       static_cast<int>(point.size())) == 1);
  return ok();
}

Status add_extension(X509* to, const Extension& wanted)
{
  const crypto::X509Extension extension = make_extension(wanted);
  if (!extension || X509_add_ext(to, extension.get(), -1) != 1)
    return openssl_error(Errc::internal, "extension " + wanted.oid);
  return ok();
}

Status add_extension(X509_CRL* to, const Extension& wanted)
{
  const crypto::X509Extension extension = make_extension(wanted);
  if (!extension || X509_CRL_add_ext(to, extension.get(), -1) != 1)
    return openssl_error(Errc::internal, "extension " + wanted.oid);
  return ok();
}

Result<Bytes> sign_to_der(X509* certificate, const crypto::P256Key& issuer)
{
  if (X509_sign(certificate, issuer.get(), EVP_sha256()) == 0)
    return openssl_error(Errc::internal, "sign certificate");
  Bytes out = crypto::der_of<i2d_X509>(certificate);
  if (out.empty()) return openssl_error(Errc::internal, "encode certificate");
  return out;
}

} // namespace dstack::x509
