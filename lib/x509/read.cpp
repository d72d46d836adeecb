#include "x509/read.hpp"

#include "base/text.hpp"
#include "crypto/openssl.hpp"
#include "x509/p256_certificate.hpp"

#include <algorithm>
#include <ctime>
#include <openssl/err.h>
#include <openssl/pem.h>

namespace dstack::x509 {

namespace {

using crypto::openssl_error;

Result<std::int64_t> seconds_of(const ASN1_TIME* time)
{
  std::tm broken{};
  if (ASN1_TIME_to_tm(time, &broken) != 1)
    return openssl_error(Errc::malformed, "certificate time");
  return static_cast<std::int64_t>(timegm(&broken));
}

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

std::string name_text(const X509_NAME* name)
{
  std::array<char, 256> text{};
  X509_NAME_oneline(name, text.data(), static_cast<int>(text.size()));
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

/// Content of an OBJECT IDENTIFIER in dots (X.690, 8.19); nothing when an arc is longer than 63
/// bits.
std::optional<std::string> dotted(ByteView content)
{
  constexpr std::uint64_t second_arcs = 40;
  std::string out;
  std::uint64_t arc = 0;
  bool within = false;
  for (const std::uint8_t byte : content) {
    if (arc >> 56U != 0 || (!within && byte == 0x80)) return {};
    arc = arc << 7U | (byte & 0x7fU);
    within = (byte & 0x80U) != 0;
    if (within) continue;
    if (!out.empty()) {
      out += fmt::format(".{}", arc);
    } else {
      const std::uint64_t first = std::min<std::uint64_t>(arc / second_arcs, 2);
      out = fmt::format("{}.{}", first, arc - first * second_arcs);
    }
    arc = 0;
  }
  if (within || out.empty()) return {};
  return out;
}

/// One with a key and a signature of P-256, which nearly all are. OpenSSL would decode the key
/// while it reads, and that takes longer than verifying two signatures with it. Nothing comes back
/// for whatever is better left to OpenSSL.
std::optional<ReadCertificate> read_p256(ByteView der)
{
  const auto view = parse_p256_certificate(der, max_any_certificate);
  if (!view) return {};
  const unsigned char* at = view->subject.data();
  const std::unique_ptr<X509_NAME, crypto::FreeWith<X509_NAME_free>> subject{
      d2i_X509_NAME(nullptr, &at, static_cast<long>(view->subject.size()))};
  if (!subject) return {};
  ReadCertificate out;
  out.spki = to_bytes(view->spki);
  out.subject = name_text(subject.get());
  out.subject_der = to_bytes(view->subject);
  out.not_before = view->not_before;
  out.not_after = view->not_after;
  for (const ExtensionView& one : view->extensions) {
    auto oid = dotted(one.oid);
    if (!oid) return {};
    out.extensions.push_back({*std::move(oid), to_bytes(one.value)});
  }
  return out;
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
  if (auto quick = read_p256(der)) return *std::move(quick);
  ERR_clear_error();
  const unsigned char* at = der.data();
  const crypto::X509Certificate certificate{d2i_X509(nullptr, &at, static_cast<long>(der.size()))};
  if (!certificate) return openssl_error(Errc::malformed, "certificate");
  if (at != der.data() + der.size()) return fail(Errc::malformed, "bytes after the certificate");
  ReadCertificate out;
  out.spki = TRY(spki_bytes(certificate.get()));
  out.subject = name_text(X509_get_subject_name(certificate.get()));
  out.subject_der = TRY(subject_bytes(certificate.get()));
  out.not_before = TRY(seconds_of(X509_get0_notBefore(certificate.get())));
  out.not_after = TRY(seconds_of(X509_get0_notAfter(certificate.get())));
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
