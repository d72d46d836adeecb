#include "x509/certificate.hpp"

#include "crypto/hash.hpp"
#include "x509/der.hpp"

#include <algorithm>
#include <openssl/x509v3.h>

namespace dstack::x509 {

namespace {

using crypto::FreeWith;
using crypto::openssl_error;
using crypto::X509Certificate;
using Object = std::unique_ptr<ASN1_OBJECT, FreeWith<ASN1_OBJECT_free>>;
using Asn1Time = std::unique_ptr<ASN1_TIME, FreeWith<ASN1_TIME_free>>;
using OctetString = std::unique_ptr<ASN1_OCTET_STRING, FreeWith<ASN1_OCTET_STRING_free>>;

void set_name(X509_NAME* name, const std::string& common_name)
{
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): OpenSSL's unsigned text.
  const auto* text = reinterpret_cast<const unsigned char*>(common_name.c_str());
  DSTACK_ASSERT(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, text, -1, -1, 0) == 1);
}

Status add_standard(X509* certificate, int nid, const std::string& value)
{
  const crypto::X509Extension extension{X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str())};
  if (!extension || X509_add_ext(certificate, extension.get(), -1) != 1)
    return openssl_error(Errc::internal, "certificate extension");
  return ok();
}

int add_to(X509* certificate, X509_EXTENSION* extension)
{
  return X509_add_ext(certificate, extension, -1);
}

int add_to(X509_CRL* list, X509_EXTENSION* extension)
{
  return X509_CRL_add_ext(list, extension, -1);
}

/// To a certificate or a CRL.
template <class To> Status add_extension(To* to, const Extension& wanted)
{
  const Object oid{OBJ_txt2obj(wanted.oid.c_str(), 1)};
  const OctetString value{ASN1_OCTET_STRING_new()};
  ASN1_OCTET_STRING_set(value.get(), wanted.value.data(), static_cast<int>(wanted.value.size()));
  const crypto::X509Extension extension{
      X509_EXTENSION_create_by_OBJ(nullptr, oid.get(), wanted.critical ? 1 : 0, value.get())};
  if (!extension || add_to(to, extension.get()) != 1)
    return openssl_error(Errc::internal, "extension " + wanted.oid);
  return ok();
}

/// RFC 7093 section 2, method 1: 160 bits of SHA-256 of the public key's bit string.
Bytes key_identifier(ByteView spki)
{
  constexpr std::size_t point_size = 65;
  constexpr std::size_t size = 20;
  const auto digest = crypto::sha256(spki.last(std::min(point_size, spki.size())));
  return {digest.begin(), digest.begin() + size};
}

/// AuthorityKeyIdentifier with just the key identifier.
Bytes authority_key_id(ByteView issuer_spki)
{
  constexpr std::uint8_t key_identifier_tag = 0x80;
  return der::sequence({der::tlv(key_identifier_tag, key_identifier(issuer_spki))});
}

Status add_key_identifiers(X509* certificate, ByteView subject_spki, ByteView issuer_spki)
{
  TRY(add_extension(certificate, {"2.5.29.35", authority_key_id(issuer_spki), false}));
  return add_extension(certificate,
                       {"2.5.29.14", der::octet_string(key_identifier(subject_spki)), false});
}

Status add_extensions(X509* certificate, const CertificateSpec& spec)
{
  if (spec.ca_path_length) {
    TRY(add_standard(certificate, NID_basic_constraints,
                     fmt::format("critical,CA:TRUE,pathlen:{}", *spec.ca_path_length)));
    TRY(add_standard(certificate, NID_key_usage, "critical,digitalSignature,keyCertSign,cRLSign"));
  } else {
    TRY(add_standard(certificate, NID_basic_constraints, "critical,CA:FALSE"));
    TRY(add_standard(certificate, NID_key_usage, "critical,digitalSignature,nonRepudiation"));
  }
  for (const Extension& extension : spec.extensions)
    TRY(add_extension(certificate, extension));
  return ok();
}

Result<Bytes> to_der(X509* certificate)
{
  unsigned char* raw = nullptr;
  const int size = i2d_X509(certificate, &raw);
  if (size <= 0) return openssl_error(Errc::internal, "encode certificate");
  Bytes out(raw, raw + size);
  OPENSSL_free(raw);
  return out;
}

} // namespace

Result<Bytes>
make_certificate(const CertificateSpec& spec, ByteView subject_spki, const crypto::P256Key& issuer)
{
  const X509Certificate certificate{X509_new()};
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), spec.serial);
  ASN1_TIME_set(X509_getm_notBefore(certificate.get()), spec.not_before);
  ASN1_TIME_set(X509_getm_notAfter(certificate.get()), spec.not_after);
  set_name(X509_get_subject_name(certificate.get()), spec.subject_cn);
  set_name(X509_get_issuer_name(certificate.get()), spec.issuer_cn);
  const unsigned char* at = subject_spki.data();
  const crypto::Pkey key{d2i_PUBKEY(nullptr, &at, static_cast<long>(subject_spki.size()))};
  if (!key || X509_set_pubkey(certificate.get(), key.get()) != 1)
    return openssl_error(Errc::malformed, "subject public key");
  TRY(add_extensions(certificate.get(), spec));
  TRY(add_key_identifiers(certificate.get(), subject_spki, issuer.spki_der()));
  if (X509_sign(certificate.get(), issuer.get(), EVP_sha256()) == 0)
    return openssl_error(Errc::internal, "sign certificate");
  return to_der(certificate.get());
}

Result<Bytes> make_crl(const CrlSpec& spec, const crypto::P256Key& issuer)
{
  const crypto::X509List list{X509_CRL_new()};
  X509_CRL_set_version(list.get(), X509_CRL_VERSION_2);
  const crypto::X509Name name{X509_NAME_new()};
  set_name(name.get(), spec.issuer_cn);
  X509_CRL_set_issuer_name(list.get(), name.get());
  const Asn1Time from{ASN1_TIME_set(nullptr, spec.this_update)};
  const Asn1Time to{ASN1_TIME_set(nullptr, spec.next_update)};
  X509_CRL_set1_lastUpdate(list.get(), from.get());
  X509_CRL_set1_nextUpdate(list.get(), to.get());
  const Bytes number = der::integer(spec.number);
  TRY(add_extension(list.get(), {"2.5.29.20", number, false}));
  TRY(add_extension(list.get(), {"2.5.29.35", authority_key_id(issuer.spki_der()), false}));
  if (X509_CRL_sign(list.get(), issuer.get(), EVP_sha256()) == 0)
    return openssl_error(Errc::internal, "sign CRL");
  unsigned char* raw = nullptr;
  const int size = i2d_X509_CRL(list.get(), &raw);
  if (size <= 0) return openssl_error(Errc::internal, "encode CRL");
  Bytes out(raw, raw + size);
  OPENSSL_free(raw);
  return out;
}

std::string to_pem(ByteView certificate_der)
{
  const std::string text = base64(certificate_der);
  constexpr std::size_t width = 64;
  std::string out = "-----BEGIN CERTIFICATE-----\n";
  for (std::size_t i = 0; i < text.size(); i += width)
    out += text.substr(i, width) + "\n";
  return out + "-----END CERTIFICATE-----\n";
}

} // namespace dstack::x509
