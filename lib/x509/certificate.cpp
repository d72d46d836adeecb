#include "x509/certificate.hpp"

#include "crypto/hash.hpp"
#include "crypto/openssl_der.hpp"
#include "x509/build.hpp"
#include "x509/der.hpp"

#include <algorithm>
#include <openssl/x509v3.h>

namespace dstack::x509 {

namespace {

using crypto::openssl_error;
using crypto::X509Certificate;
using Asn1Time = std::unique_ptr<ASN1_TIME, crypto::FreeWith<ASN1_TIME_free>>;

Status add_standard(X509* certificate, int nid, const std::string& value)
{
  const crypto::X509Extension extension{X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str())};
  if (!extension || X509_add_ext(certificate, extension.get(), -1) != 1)
    return openssl_error(Errc::internal, "certificate extension");
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

} // namespace

Result<Bytes>
make_certificate(const CertificateSpec& spec, ByteView subject_spki, const crypto::P256Key& issuer)
{
  const X509Certificate certificate{X509_new()};
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), spec.serial);
  ASN1_TIME_set(X509_getm_notBefore(certificate.get()), spec.not_before);
  ASN1_TIME_set(X509_getm_notAfter(certificate.get()), spec.not_after);
  set_entry(X509_get_subject_name(certificate.get()), "CN", spec.subject_cn);
  set_entry(X509_get_issuer_name(certificate.get()), "CN", spec.issuer_cn);
  TRY(set_public_key(certificate.get(), subject_spki));
  TRY(add_extensions(certificate.get(), spec));
  TRY(add_key_identifiers(certificate.get(), subject_spki, issuer.spki_der()));
  return sign_to_der(certificate.get(), issuer);
}

Result<Bytes> make_crl(const CrlSpec& spec, const crypto::P256Key& issuer)
{
  const crypto::X509List list{X509_CRL_new()};
  X509_CRL_set_version(list.get(), X509_CRL_VERSION_2);
  const crypto::X509Name name{X509_NAME_new()};
  set_entry(name.get(), "CN", spec.issuer_cn);
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
  Bytes out = crypto::der_of<i2d_X509_CRL>(list.get());
  if (out.empty()) return openssl_error(Errc::internal, "encode CRL");
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
