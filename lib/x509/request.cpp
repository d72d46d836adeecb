#include "x509/request.hpp"

#include "base/text.hpp"
#include "crypto/openssl_der.hpp"
#include "x509/build.hpp"
#include "x509/der.hpp"

#include <algorithm>
#include <openssl/x509v3.h>

namespace dstack::x509 {

namespace {

using crypto::openssl_error;
using Request = std::unique_ptr<X509_REQ, crypto::FreeWith<X509_REQ_free>>;
using Names = std::unique_ptr<GENERAL_NAMES, crypto::FreeWith<GENERAL_NAMES_free>>;
using AuthorityKey = std::unique_ptr<AUTHORITY_KEYID, crypto::FreeWith<AUTHORITY_KEYID_free>>;

constexpr std::uint8_t dns_name_tag = 0x82;
constexpr std::uint8_t sequence_tag = 0x30;
constexpr std::size_t max_names = 100;
constexpr std::size_t max_dns_name = 255;

void free_extensions(STACK_OF(X509_EXTENSION) * stack)
{
  sk_X509_EXTENSION_pop_free(stack, X509_EXTENSION_free);
}
using Extensions = std::unique_ptr<STACK_OF(X509_EXTENSION), crypto::FreeWith<free_extensions>>;

Bytes content_of(const ASN1_STRING* text)
{
  const unsigned char* data = ASN1_STRING_get0_data(text);
  return {data, data + ASN1_STRING_length(text)};
}

/// The extensionRequest attribute with one subjectAltName.
Status add_names(X509_REQ* request, ByteView value)
{
  Extensions stack{sk_X509_EXTENSION_new_null()};
  crypto::X509Extension one = make_extension({"2.5.29.17", to_bytes(value), false});
  if (!stack || !one || sk_X509_EXTENSION_push(stack.get(), one.get()) <= 0)
    return openssl_error(Errc::internal, "subjectAltName");
  static_cast<void>(one.release()); // the stack's
  if (X509_REQ_add_extensions(request, stack.get()) != 1)
    return openssl_error(Errc::internal, "request extensions");
  return ok();
}

} // namespace

Result<Bytes> alt_names_value(const std::vector<std::string>& dns_names)
{
  if (dns_names.empty() || dns_names.size() > max_names)
    return fail(Errc::malformed, "{} names (want 1 to {})", dns_names.size(), max_names);
  Bytes all;
  for (const std::string& name : dns_names) {
    const bool fine =
        !name.empty() && name.size() <= max_dns_name &&
        std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c <= '~'; });
    if (!fine) return fail(Errc::malformed, "\"{}\" is no DNS name", printable(name));
    const Bytes one = der::tlv(dns_name_tag, as_bytes(name));
    all.insert(all.end(), one.begin(), one.end());
  }
  return der::tlv(sequence_tag, all);
}

Result<Bytes> make_request(const std::vector<std::string>& dns_names, const crypto::P256Key& key)
{
  const Bytes names = TRY(alt_names_value(dns_names));
  const Request request{X509_REQ_new()};
  if (!request || X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) != 1 ||
      X509_REQ_set_pubkey(request.get(), key.get()) != 1)
    return openssl_error(Errc::internal, "certification request");
  TRY(add_names(request.get(), names));
  if (X509_REQ_sign(request.get(), key.get(), EVP_sha256()) == 0)
    return openssl_error(Errc::internal, "sign the certification request");
  Bytes out = crypto::der_of<i2d_X509_REQ>(request.get());
  if (out.empty()) return openssl_error(Errc::internal, "encode the certification request");
  return out;
}

Result<std::vector<std::string>> dns_names_of(ByteView certificate_der)
{
  const crypto::X509Certificate certificate = TRY(crypto::certificate_of_der(certificate_der));
  int critical = 0;
  const Names names{static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate.get(), NID_subject_alt_name, &critical, nullptr))};
  constexpr int absent = -1; // as the manual page says; -2 is twice, anything else is unreadable
  if (!names && critical != absent)
    return openssl_error(Errc::malformed, "the certificate's subjectAltName");
  std::vector<std::string> out;
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* one = sk_GENERAL_NAME_value(names.get(), i);
    if (one->type == GEN_DNS) out.push_back(to_text(content_of(one->d.dNSName)));
  }
  return out;
}

Result<RenewalName> renewal_name_of(ByteView certificate_der)
{
  const crypto::X509Certificate certificate = TRY(crypto::certificate_of_der(certificate_der));
  const AuthorityKey key{static_cast<AUTHORITY_KEYID*>(
      X509_get_ext_d2i(certificate.get(), NID_authority_key_identifier, nullptr, nullptr))};
  if (!key || key->keyid == nullptr)
    return fail(Errc::not_found, "the certificate does not name its authority's key");
  RenewalName out;
  out.authority_key_id = content_of(key->keyid);
  // The content octets of the INTEGER: with the zero in front of a high first bit.
  const Bytes serial = crypto::der_of<i2d_ASN1_INTEGER>(X509_get0_serialNumber(certificate.get()));
  if (serial.size() < 3) return openssl_error(Errc::malformed, "the certificate's serial number");
  out.serial.assign(serial.begin() + 2, serial.end());
  return out;
}

} // namespace dstack::x509
