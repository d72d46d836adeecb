#include "x509/p256_certificate.hpp"

#include <algorithm>

namespace dstack::x509 {

namespace {

constexpr std::array<std::uint8_t, 12> ecdsa_sha256{0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
                                                    0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
/// SubjectPublicKeyInfo of an uncompressed P-256 point (RFC 5480), up to X.
constexpr std::array<std::uint8_t, 27> spki_head{
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
    0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};
constexpr std::array<std::uint8_t, 3> oid_common_name{0x55, 0x04, 0x03};
constexpr std::array<std::uint8_t, 3> oid_subject_key_id{0x55, 0x1d, 0x0e};
constexpr std::array<std::uint8_t, 3> oid_key_usage{0x55, 0x1d, 0x0f};
constexpr std::array<std::uint8_t, 3> oid_basic_constraints{0x55, 0x1d, 0x13};
constexpr std::uint64_t version_3 = 2;
constexpr std::size_t max_extensions = 32;
constexpr std::size_t max_serial = 20;

Status read_basic_constraints(ByteView value, P256Certificate& out)
{
  DerReader in{TRY(read_one(value, tag::sequence)).content};
  if (in.peek() == tag::boolean) out.is_ca = TRY(boolean_value(TRY(in.next())));
  if (in.peek() == tag::integer) out.path_length = TRY(small_unsigned(TRY(in.next()), 255));
  return in.finish();
}

Status read_key_usage(ByteView value, P256Certificate& out)
{
  const ByteView bits = TRY(read_one(value, tag::bit_string)).content;
  if (bits.size() < 2 || bits.size() > 3 || bits[0] > 7)
    return fail(Errc::malformed, "key usage of {} bytes", bits.size());
  // RFC 5280, 4.2.1.3: bit 0 is the highest bit of the first byte.
  out.key_usage = KeyUsage{(bits[1] & 0x80U) != 0, (bits[1] & 0x04U) != 0, (bits[1] & 0x02U) != 0};
  return ok();
}

Status note_extension(const ExtensionView& extension, P256Certificate& out)
{
  if (equal(extension.oid, oid_basic_constraints))
    return read_basic_constraints(extension.value, out).within("basic constraints");
  if (equal(extension.oid, oid_key_usage))
    return read_key_usage(extension.value, out).within("key usage");
  if (extension.critical) return fail(Errc::malformed, "unknown critical extension");
  if (equal(extension.oid, oid_subject_key_id))
    out.subject_key_id = TRY(read_one(extension.value, tag::octet_string)).content;
  return ok();
}

Status read_extensions(ByteView wrapped, P256Certificate& out)
{
  DerReader in{TRY(read_one(wrapped, tag::sequence)).content};
  while (!in.empty()) {
    DerReader one{TRY(in.expect(tag::sequence)).content};
    ExtensionView extension;
    extension.oid = TRY(one.expect(tag::oid)).content;
    if (one.peek() == tag::boolean) extension.critical = TRY(boolean_value(TRY(one.next())));
    extension.value = TRY(one.expect(tag::octet_string)).content;
    TRY(one.finish());
    if (out.find(extension.oid) != nullptr) return fail(Errc::malformed, "an extension twice");
    if (out.extensions.size() == max_extensions)
      return fail(Errc::malformed, "more than {} extensions", max_extensions);
    TRY(note_extension(extension, out));
    out.extensions.push_back(extension);
  }
  return ok();
}

Status read_validity(ByteView content, P256Certificate& out)
{
  DerReader in{content};
  out.not_before = TRY(time_value(TRY(in.next())));
  out.not_after = TRY(time_value(TRY(in.next())));
  return in.finish();
}

Status read_algorithm(DerReader& in)
{
  if (!equal(TRY(in.expect(tag::sequence)).whole, ecdsa_sha256))
    return fail(Errc::unsupported, "signature algorithm (want ecdsa-with-SHA256)");
  return ok();
}

Status read_public_key(const Tlv& spki, P256Certificate& out)
{
  constexpr std::size_t size = spki_head.size() + 64;
  if (spki.whole.size() != size || !equal(spki.whole.first(spki_head.size()), spki_head))
    return fail(Errc::unsupported, "public key (want an uncompressed P-256 point)");
  out.public_xy = spki.whole.last(64);
  return ok();
}

Status read_tbs(ByteView content, P256Certificate& out)
{
  DerReader in{content};
  const Tlv version = TRY(in.expect(tag::version));
  const Tlv number = TRY(read_one(version.content, tag::integer));
  if (TRY(small_unsigned(number, 255)) != version_3)
    return fail(Errc::malformed, "certificate version (want 3)");
  out.serial = TRY(unsigned_magnitude(TRY(in.expect(tag::integer))));
  if (out.serial.size() > max_serial) return fail(Errc::malformed, "serial number too long");
  TRY(read_algorithm(in));
  out.issuer = TRY(in.expect(tag::sequence)).whole;
  TRY(read_validity(TRY(in.expect(tag::sequence)).content, out).within("validity"));
  out.subject = TRY(in.expect(tag::sequence)).whole;
  TRY(read_public_key(TRY(in.expect(tag::sequence)), out));
  TRY(read_extensions(TRY(in.expect(tag::extensions)).content, out).within("extensions"));
  return in.finish();
}

} // namespace

ByteView ecdsa_with_sha256()
{
  return ecdsa_sha256;
}

const ExtensionView* P256Certificate::find(ByteView oid) const
{
  const auto at = std::find_if(extensions.begin(), extensions.end(),
                               [&](const ExtensionView& e) { return equal(e.oid, oid); });
  return at == extensions.end() ? nullptr : &*at;
}

Result<P256Certificate> parse_p256_certificate(ByteView der)
{
  if (der.size() > max_p256_certificate)
    return fail(Errc::malformed, "certificate of {} bytes (limit {})", der.size(),
                max_p256_certificate);
  P256Certificate out;
  out.der = der;
  DerReader in{TRY(read_one(der, tag::sequence)).content};
  const Tlv tbs = TRY(in.expect(tag::sequence));
  out.tbs = tbs.whole;
  TRY(read_tbs(tbs.content, out));
  TRY(read_algorithm(in));
  const ByteView bits = TRY(in.expect(tag::bit_string)).content;
  if (bits.empty() || bits[0] != 0) return fail(Errc::malformed, "signature with unused bits");
  out.signature = bits.subspan(1);
  TRY(in.finish());
  return out;
}

std::string_view common_name(ByteView name)
{
  std::string_view found;
  const auto outer = read_one(name, tag::sequence);
  if (!outer) return found;
  DerReader in{outer->content};
  while (!in.empty()) {
    const auto rdn = in.expect(tag::set);
    if (!rdn) return {};
    const auto pair = read_one(rdn->content, tag::sequence);
    if (!pair) return {};
    DerReader parts{pair->content};
    const auto type = parts.expect(tag::oid);
    const auto value = parts.next();
    if (!type || !value) return {};
    if (!equal(type->content, oid_common_name)) continue;
    if (!found.empty()) return {};
    found = as_text(value->content);
  }
  return found;
}

} // namespace dstack::x509
