#include "fetch/der_dates.hpp"

#include "x509/der_reader.hpp"

namespace dstack::fetch {

namespace {

constexpr std::uint8_t explicit_version = 0xa0;

/// The part that is signed; what follows it must be an algorithm and a signature.
Result<x509::DerReader> signed_part(ByteView der)
{
  const x509::Tlv outer = TRY(x509::read_one(der, x509::tag::sequence));
  x509::DerReader in{outer.content};
  const x509::Tlv tbs = TRY(in.expect(x509::tag::sequence));
  TRY(in.expect(x509::tag::sequence).within("signature algorithm"));
  TRY(in.expect(x509::tag::bit_string).within("signature"));
  TRY(in.finish());
  return x509::DerReader{tbs.content};
}

Result<std::int64_t> not_after(ByteView der)
{
  x509::DerReader in = TRY(signed_part(der));
  TRY(in.expect(explicit_version).within("version"));
  TRY(in.expect(x509::tag::integer).within("serial number"));
  TRY(in.expect(x509::tag::sequence).within("algorithm"));
  TRY(in.expect(x509::tag::sequence).within("issuer"));
  const x509::Tlv validity = TRY(in.expect(x509::tag::sequence).within("validity"));
  x509::DerReader dates{validity.content};
  TRY(dates.next().within("notBefore"));
  return x509::time_value(TRY(dates.next().within("notAfter")));
}

Result<std::int64_t> next_update(ByteView der)
{
  x509::DerReader in = TRY(signed_part(der));
  TRY(in.expect(x509::tag::integer).within("version"));
  TRY(in.expect(x509::tag::sequence).within("algorithm"));
  TRY(in.expect(x509::tag::sequence).within("issuer"));
  TRY(in.next().within("thisUpdate"));
  return x509::time_value(TRY(in.next().within("nextUpdate")));
}

} // namespace

Result<std::int64_t> certificate_not_after(ByteView der)
{
  return not_after(der).within("certificate");
}

Result<std::int64_t> crl_next_update(ByteView der)
{
  return next_update(der).within("CRL");
}

} // namespace dstack::fetch
