#include "x509/app_certificate.hpp"

#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "x509/build.hpp"
#include "x509/der.hpp"

#include <algorithm>
#include <arpa/inet.h>

namespace dstack::x509 {

namespace {

using crypto::openssl_error;

constexpr std::size_t max_name = 4096;
constexpr std::size_t max_alt_names = 1024;
constexpr std::size_t identifier_size = 20;

// RFC 5280 4.2.1.3: bits 0 digitalSignature, 5 keyCertSign, 6 cRLSign; the first content byte
// counts the unused bits.
constexpr std::array<std::uint8_t, 2> leaf_usage = {7, 0x80};
constexpr std::array<std::uint8_t, 2> ca_usage = {1, 0x86};
constexpr std::uint8_t bit_string = 0x03;
constexpr std::uint8_t boolean = 0x01;
constexpr std::uint8_t dns_name = 0x82;
constexpr std::uint8_t ip_address = 0x87;

Status check_text(const std::string& text, std::string_view what)
{
  if (text.size() > max_name || !is_utf8(text) || text.find('\0') != std::string::npos)
    return fail(Errc::malformed, "{} is not a text of at most {} bytes", what, max_name);
  return ok();
}

Bytes address_of(const std::string& text)
{
  std::array<std::uint8_t, 16> raw{};
  if (::inet_pton(AF_INET, text.c_str(), raw.data()) == 1) return {raw.begin(), raw.begin() + 4};
  if (::inet_pton(AF_INET6, text.c_str(), raw.data()) == 1) return {raw.begin(), raw.end()};
  return {};
}

Result<Bytes> alt_name(const std::string& text)
{
  TRY(check_text(text, "alternative name"));
  const Bytes address = address_of(text);
  if (!address.empty()) return der::tlv(ip_address, address);
  const bool ascii = std::all_of(text.begin(), text.end(),
                                 [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  if (!ascii) return fail(Errc::malformed, "alternative name '{}' is not ASCII", printable(text));
  return der::tlv(dns_name, as_bytes(text));
}

Result<Extension> alt_names(const std::vector<std::string>& names)
{
  if (names.size() > max_alt_names)
    return fail(Errc::malformed, "{} alternative names (limit {})", names.size(), max_alt_names);
  Bytes all;
  for (const std::string& name : names) {
    const Bytes one = TRY(alt_name(name));
    all.insert(all.end(), one.begin(), one.end());
    if (all.size() > max_alt_names * 16) return fail(Errc::malformed, "alternative names too long");
  }
  return Extension{"2.5.29.17", der::tlv(0x30, all), false};
}

Extension extended_usage(bool server, bool client)
{
  Bytes all;
  for (const auto& [wanted, oid] :
       {std::pair{server, "1.3.6.1.5.5.7.3.1"}, std::pair{client, "1.3.6.1.5.5.7.3.2"}}) {
    if (!wanted) continue;
    const Bytes one = der::oid(oid);
    all.insert(all.end(), one.begin(), one.end());
  }
  return {"2.5.29.37", der::tlv(0x30, all), false};
}

std::vector<Extension> authority_extensions(int path_length, ByteView spki)
{
  constexpr std::array<std::uint8_t, 1> yes = {0xff};
  const auto digest = crypto::sha256(spki);
  return {
      {"2.5.29.15", der::tlv(bit_string, ca_usage), true},
      {"2.5.29.19",
       der::sequence({der::tlv(boolean, yes), der::integer(static_cast<unsigned>(path_length))}),
       true},
      {"2.5.29.14", der::octet_string(ByteView{digest}.first(identifier_size)), false}};
}

Result<std::vector<Extension>> extensions_of(const AppCertificateSpec& spec, ByteView spki)
{
  std::vector<Extension> out;
  if (!spec.alt_names.empty()) out.push_back(TRY(alt_names(spec.alt_names)));
  if (spec.ca_path_length) {
    const auto more = authority_extensions(*spec.ca_path_length, spki);
    out.insert(out.end(), more.begin(), more.end());
  } else {
    out.push_back({"2.5.29.15", der::tlv(bit_string, leaf_usage), true});
    if (spec.server_auth || spec.client_auth)
      out.push_back(extended_usage(spec.server_auth, spec.client_auth));
  }
  out.insert(out.end(), spec.extensions.begin(), spec.extensions.end());
  return out;
}

/// First 20 bytes of SHA-256 over the uncompressed point, as a positive number.
Status set_serial(X509* certificate, ByteView spki)
{
  constexpr std::size_t point_size = 65;
  if (spki.size() < point_size) return fail(Errc::malformed, "subject public key");
  auto digest = crypto::sha256(spki.last(point_size));
  digest[0] &= 0x7fU;
  const crypto::Bn number{BN_bin2bn(digest.data(), identifier_size, nullptr)};
  if (BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) == nullptr)
    return openssl_error(Errc::internal, "serial number");
  return ok();
}

Status set_names(X509_NAME* to, const AppName& name)
{
  TRY(check_text(name.organisation, "organisation"));
  TRY(check_text(name.common_name, "subject"));
  // The types set limits (64 characters for a common name) that the published agents do not keep.
  const auto add = [&](int nid, const std::string& text) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): OpenSSL's unsigned text.
    const auto* raw = reinterpret_cast<const unsigned char*>(text.data());
    return X509_NAME_add_entry_by_NID(to, nid, V_ASN1_UTF8STRING, raw,
                                      static_cast<int>(text.size()), -1, 0) == 1;
  };
  const bool done = (name.organisation.empty() || add(NID_organizationName, name.organisation)) &&
                    add(NID_commonName, name.common_name);
  if (!done) return openssl_error(Errc::malformed, "name of a certificate");
  return ok();
}

Status set_issuer(X509* certificate, const AppCertificateSpec& spec)
{
  if (spec.issuer_der.empty()) return set_names(X509_get_issuer_name(certificate), spec.issuer);
  const unsigned char* at = spec.issuer_der.data();
  const crypto::X509Name name{
      d2i_X509_NAME(nullptr, &at, static_cast<long>(spec.issuer_der.size()))};
  if (!name || at != spec.issuer_der.data() + spec.issuer_der.size())
    return openssl_error(Errc::malformed, "name of the issuer");
  if (X509_set_issuer_name(certificate, name.get()) != 1)
    return openssl_error(Errc::internal, "name of the issuer");
  return ok();
}

} // namespace

Result<Bytes> make_app_certificate(const AppCertificateSpec& spec,
                                   ByteView subject_spki,
                                   const crypto::P256Key& issuer)
{
  if (spec.not_before >= spec.not_after)
    return fail(Errc::malformed, "not_before must be earlier than not_after");
  const crypto::X509Certificate certificate{X509_new()};
  X509_set_version(certificate.get(), X509_VERSION_3);
  TRY(set_serial(certificate.get(), subject_spki));
  if (ASN1_TIME_set(X509_getm_notBefore(certificate.get()), spec.not_before) == nullptr ||
      ASN1_TIME_set(X509_getm_notAfter(certificate.get()), spec.not_after) == nullptr)
    return openssl_error(Errc::malformed, "validity of a certificate");
  TRY(set_names(X509_get_subject_name(certificate.get()), spec.subject));
  TRY(set_issuer(certificate.get(), spec));
  TRY(set_public_key(certificate.get(), subject_spki));
  for (const Extension& extension : TRY(extensions_of(spec, subject_spki)))
    TRY(add_extension(certificate.get(), extension));
  return sign_to_der(certificate.get(), issuer);
}

} // namespace dstack::x509
