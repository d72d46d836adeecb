#include "x509/crl.hpp"

#include "x509/p256_certificate.hpp"

#include <algorithm>

namespace dstack::x509 {

namespace {

constexpr std::array<std::uint8_t, 3> oid_crl_number{0x55, 0x1d, 0x14};
constexpr std::array<std::uint8_t, 3> oid_authority_key_id{0x55, 0x1d, 0x23};
constexpr std::uint8_t crl_extensions_tag = 0xa0;
constexpr std::uint8_t key_id_tag = 0x80;
constexpr std::uint64_t version_2 = 1;

struct Seen {
  bool number = false;
  bool authority = false;
};

Status read_extension(ByteView content, Crl& out, Seen& seen)
{
  DerReader in{content};
  const ByteView oid = TRY(in.expect(tag::oid)).content;
  bool critical = false;
  if (in.peek() == tag::boolean) critical = TRY(boolean_value(TRY(in.next())));
  const ByteView value = TRY(in.expect(tag::octet_string)).content;
  TRY(in.finish());
  if (critical) return fail(Errc::malformed, "unknown critical CRL extension");
  bool* first = nullptr;
  if (equal(oid, oid_crl_number)) first = &seen.number;
  if (equal(oid, oid_authority_key_id)) {
    first = &seen.authority;
    DerReader parts{TRY(read_one(value, tag::sequence)).content};
    out.authority_key_id = TRY(parts.expect(key_id_tag)).content;
  }
  if (first == nullptr) return ok();
  if (*first) return fail(Errc::malformed, "a CRL extension twice");
  *first = true;
  return ok();
}

Status read_extensions(ByteView wrapped, Crl& out)
{
  Seen seen;
  DerReader in{TRY(read_one(wrapped, tag::sequence)).content};
  while (!in.empty())
    TRY(read_extension(TRY(in.expect(tag::sequence)).content, out, seen));
  if (!seen.number || !seen.authority)
    return fail(Errc::malformed, "no CRL number or authority key identifier");
  return ok();
}

Status read_entries(ByteView content, Crl& out)
{
  DerReader in{content};
  while (!in.empty()) {
    DerReader entry{TRY(in.expect(tag::sequence)).content};
    out.revoked.push_back(TRY(unsigned_magnitude(TRY(entry.expect(tag::integer)))));
    static_cast<void>(TRY(time_value(TRY(entry.next()))));
    if (entry.peek() == tag::sequence) static_cast<void>(TRY(entry.next()));
    TRY(entry.finish());
  }
  return ok();
}

Status read_tbs(ByteView content, Crl& out)
{
  DerReader in{content};
  if (TRY(small_unsigned(TRY(in.expect(tag::integer)), 255)) != version_2)
    return fail(Errc::malformed, "CRL version (want 2)");
  if (!equal(TRY(in.expect(tag::sequence)).whole, ecdsa_with_sha256()))
    return fail(Errc::unsupported, "CRL signature algorithm (want ecdsa-with-SHA256)");
  out.issuer = TRY(in.expect(tag::sequence)).whole;
  out.this_update = TRY(time_value(TRY(in.next())).within("thisUpdate"));
  out.next_update = TRY(time_value(TRY(in.next())).within("nextUpdate"));
  if (in.peek() == tag::sequence) TRY(read_entries(TRY(in.next()).content, out));
  TRY(read_extensions(TRY(in.expect(crl_extensions_tag)).content, out));
  return in.finish();
}

} // namespace

bool Crl::lists(ByteView serial) const
{
  return std::any_of(revoked.begin(), revoked.end(),
                     [&](ByteView one) { return equal(one, serial); });
}

Result<Crl> parse_crl(ByteView der)
{
  if (der.size() > max_crl)
    return fail(Errc::malformed, "CRL of {} bytes (limit {})", der.size(), max_crl);
  Crl out;
  DerReader in{TRY(read_one(der, tag::sequence)).content};
  const Tlv tbs = TRY(in.expect(tag::sequence));
  out.tbs = tbs.whole;
  TRY(read_tbs(tbs.content, out));
  if (!equal(TRY(in.expect(tag::sequence)).whole, ecdsa_with_sha256()))
    return fail(Errc::unsupported, "CRL signature algorithm (want ecdsa-with-SHA256)");
  const ByteView bits = TRY(in.expect(tag::bit_string)).content;
  if (bits.empty() || bits[0] != 0) return fail(Errc::malformed, "signature with unused bits");
  out.signature = bits.subspan(1);
  TRY(in.finish());
  return out;
}

} // namespace dstack::x509
