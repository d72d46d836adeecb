#include "x509/read.hpp"

#include "base/text.hpp"
#include "x509/asn1_time.hpp"

#include <algorithm>
#include <openssl/err.h>
#include <openssl/pem.h>

namespace dstack::x509 {

namespace {

using crypto::openssl_error;

Result<Bytes> spki_bytes(X509* certificate)
{
  unsigned char* raw = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &raw);
  if (size <= 0) return openssl_error(Errc::malformed, "certificate's public key");
  Bytes out(raw, raw + size);
  OPENSSL_free(raw);
  return out;
}

Result<ReadExtension> extension_of(X509_EXTENSION* extension)
{
  ReadExtension out;
  std::array<char, 128> text{};
  const int size = OBJ_obj2txt(text.data(), static_cast<int>(text.size()),
                               X509_EXTENSION_get_object(extension), 1);
  if (size <= 0 || size >= static_cast<int>(text.size()))
    return fail(Errc::malformed, "extension with an odd name");
  out.oid = text.data();
  const ASN1_OCTET_STRING* value = X509_EXTENSION_get_data(extension);
  const unsigned char* data = ASN1_STRING_get0_data(value);
  out.value.assign(data, data + ASN1_STRING_length(value));
  return out;
}

std::string subject_text(X509* certificate)
{
  std::array<char, 256> text{};
  X509_NAME_oneline(X509_get_subject_name(certificate), text.data(), static_cast<int>(text.size()));
  return printable(text.data());
}

Result<Bytes> subject_bytes(X509* certificate)
{
  const unsigned char* raw = nullptr;
  std::size_t size = 0;
  if (X509_NAME_get0_der(X509_get_subject_name(certificate), &raw, &size) != 1)
    return openssl_error(Errc::malformed, "certificate's subject");
  return Bytes(raw, raw + size);
}

} // namespace

const Bytes* ReadCertificate::find(std::string_view oid) const
{
  const auto at = std::find_if(extensions.begin(), extensions.end(),
                               [&](const ReadExtension& one) { return one.oid == oid; });
  return at == extensions.end() ? nullptr : &at->value;
}

Result<ReadCertificate> read_certificate(ByteView der)
{
  if (der.size() > max_any_certificate)
    return fail(Errc::malformed, "certificate of {} bytes (limit {})", der.size(),
                max_any_certificate);
  const unsigned char* at = der.data();
  const crypto::X509Certificate certificate{d2i_X509(nullptr, &at, static_cast<long>(der.size()))};
  if (!certificate) return openssl_error(Errc::malformed, "certificate");
  if (at != der.data() + der.size()) return fail(Errc::malformed, "bytes after the certificate");
  ReadCertificate out;
  out.spki = TRY(spki_bytes(certificate.get()));
  out.subject = subject_text(certificate.get());
  out.subject_der = TRY(subject_bytes(certificate.get()));
  out.not_before = TRY(time_of(X509_get0_notBefore(certificate.get())).within("notBefore"));
  out.not_after = TRY(time_of(X509_get0_notAfter(certificate.get())).within("notAfter"));
  for (int i = 0; i < X509_get_ext_count(certificate.get()); ++i) {
    ReadExtension one = TRY(extension_of(X509_get_ext(certificate.get(), i)));
    if (out.find(one.oid) != nullptr) return fail(Errc::malformed, "extension {} twice", one.oid);
    out.extensions.push_back(std::move(one));
  }
  return out;
}

Result<Bytes> first_certificate(ByteView text)
{
  constexpr std::uint8_t der_sequence = 0x30;
  if (text.size() > max_any_certificate)
    return fail(Errc::malformed, "certificate of {} bytes (limit {})", text.size(),
                max_any_certificate);
  if (!text.empty() && text[0] == der_sequence) return to_bytes(text);
  const std::unique_ptr<BIO, crypto::FreeWith<BIO_free>> in{
      BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
  char* name = nullptr;
  char* header = nullptr;
  unsigned char* data = nullptr;
  long size = 0;
  if (PEM_read_bio(in.get(), &name, &header, &data, &size) != 1)
    return openssl_error(Errc::malformed, "no PEM block");
  Bytes out(data, data + size);
  const bool certificate = std::string_view{name} == "CERTIFICATE";
  OPENSSL_free(name);
  OPENSSL_free(header);
  OPENSSL_free(data);
  if (!certificate) return fail(Errc::malformed, "the PEM block is no certificate");
  return out;
}

} // namespace dstack::x509
