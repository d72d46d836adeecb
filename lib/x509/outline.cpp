#include "base/text.hpp"
#include "crypto/openssl.hpp"
#include "x509/der_reader.hpp"
#include "x509/read.hpp"

namespace dstack::x509 {

namespace {

constexpr std::size_t max_any_extensions = 64;
constexpr std::size_t max_oid = 64;

/// "1.3.6.1.4.1.62397.1.8" (X.690, 8.19): minimal base-128 numbers, the first of two in one.
Result<std::string> oid_text(ByteView content)
{
  if (content.empty() || content.size() > max_oid || (content.back() & 0x80U) != 0U)
    return fail(Errc::malformed, "extension with an odd name");
  std::string out;
  std::uint64_t number = 0;
  bool inside = false;
  for (const std::uint8_t byte : content) {
    if ((!inside && byte == 0x80U) || number > (UINT64_MAX >> 8U))
      return fail(Errc::malformed, "extension with an odd name");
    number = (number << 7U) | (byte & 0x7fU);
    inside = (byte & 0x80U) != 0U;
    if (inside) continue;
    if (out.empty()) {
      const std::uint64_t first = number < 80 ? number / 40 : 2;
      out = fmt::format("{}.{}", first, number - first * 40);
    } else {
      out += fmt::format(".{}", number);
    }
    number = 0;
  }
  return out;
}

Result<std::vector<ReadExtension>> read_extensions(ByteView wrapped)
{
  std::vector<ReadExtension> out;
  DerReader in{TRY(read_one(wrapped, tag::sequence)).content};
  while (!in.empty()) {
    DerReader one{TRY(in.expect(tag::sequence)).content};
    ReadExtension extension;
    extension.oid = TRY(oid_text(TRY(one.expect(tag::oid)).content));
    if (one.peek() == tag::boolean) static_cast<void>(TRY(boolean_value(TRY(one.next()))));
    extension.value = to_bytes(TRY(one.expect(tag::octet_string)).content);
    TRY(one.finish());
    for (const ReadExtension& other : out)
      if (other.oid == extension.oid)
        return fail(Errc::malformed, "extension {} twice", extension.oid);
    if (out.size() == max_any_extensions)
      return fail(Errc::malformed, "more than {} extensions", max_any_extensions);
    out.push_back(std::move(extension));
  }
  return out;
}

Status check_key(ByteView content)
{
  DerReader in{content};
  static_cast<void>(TRY(in.expect(tag::sequence)));
  static_cast<void>(TRY(in.expect(tag::bit_string)));
  return in.finish();
}

std::string name_text(ByteView der)
{
  const unsigned char* at = der.data();
  const crypto::X509Name name{d2i_X509_NAME(nullptr, &at, static_cast<long>(der.size()))};
  if (!name) return "";
  std::array<char, 256> text{};
  X509_NAME_oneline(name.get(), text.data(), static_cast<int>(text.size()));
  return printable(text.data());
}

Status read_tbs(ByteView content, ReadCertificate& out)
{
  DerReader in{content};
  static_cast<void>(TRY(in.expect(tag::version)));
  static_cast<void>(TRY(in.expect(tag::integer)));  // serial number
  static_cast<void>(TRY(in.expect(tag::sequence))); // signature algorithm
  static_cast<void>(TRY(in.expect(tag::sequence))); // issuer
  DerReader validity{TRY(in.expect(tag::sequence)).content};
  out.not_before = TRY(time_value(TRY(validity.next())));
  out.not_after = TRY(time_value(TRY(validity.next())));
  TRY(validity.finish());
  out.subject_der = to_bytes(TRY(in.expect(tag::sequence)).whole);
  out.subject = name_text(out.subject_der);
  const Tlv key = TRY(in.expect(tag::sequence));
  TRY(check_key(key.content).within("public key"));
  out.spki = to_bytes(key.whole);
  if (in.peek() == tag::extensions) out.extensions = TRY(read_extensions(TRY(in.next()).content));
  return in.finish();
}

} // namespace

Result<ReadCertificate> outline_certificate(ByteView der)
{
  if (der.size() > max_any_certificate)
    return fail(Errc::malformed, "certificate of {} bytes (limit {})", der.size(),
                max_any_certificate);
  DerReader in{TRY(read_one(der, tag::sequence).within("certificate")).content};
  ReadCertificate out;
  TRY(read_tbs(TRY(in.expect(tag::sequence).within("certificate")).content, out)
          .within("certificate"));
  static_cast<void>(TRY(in.expect(tag::sequence).within("certificate")));
  static_cast<void>(TRY(in.expect(tag::bit_string).within("certificate")));
  TRY(in.finish().within("certificate"));
  return out;
}

} // namespace dstack::x509
