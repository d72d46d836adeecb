#include "x509/der_reader.hpp"

#include "base/calendar.hpp"

namespace dstack::x509 {

namespace {

constexpr std::size_t max_length_bytes = 4;

/// Two decimal digits.
Result<unsigned> two_digits(ByteView text, std::size_t at)
{
  const unsigned high = text[at] - unsigned{'0'};
  const unsigned low = text[at + 1] - unsigned{'0'};
  if (high > 9 || low > 9) return fail(Errc::malformed, "DER: a time that is not digits");
  return high * 10 + low;
}

} // namespace

Result<Tlv> DerReader::next()
{
  if (left_.size() < 2) return fail(Errc::malformed, "DER: ends within a tag and length");
  const std::uint8_t tag = left_[0];
  if ((tag & 0x1fU) == 0x1fU) return fail(Errc::malformed, "DER: tag of several bytes");
  std::size_t head = 2;
  std::size_t length = left_[1];
  if (length >= 0x80U) {
    const std::size_t count = length & 0x7fU;
    if (count == 0 || count > max_length_bytes)
      return fail(Errc::malformed, "DER: length of {} bytes", count);
    if (left_.size() < 2 + count) return fail(Errc::malformed, "DER: ends within a length");
    length = 0;
    for (std::size_t i = 0; i < count; ++i)
      length = length << 8U | left_[2 + i];
    head += count;
    const bool minimal = length >= 0x80U && left_[2] != 0;
    if (!minimal) return fail(Errc::malformed, "DER: length not in its shortest form");
  }
  if (length > left_.size() - head)
    return fail(Errc::malformed, "DER: {} bytes announced, {} there", length, left_.size() - head);
  const Tlv out{tag, left_.subspan(head, length), left_.first(head + length)};
  left_ = left_.subspan(head + length);
  return out;
}

Result<Tlv> DerReader::expect(std::uint8_t tag)
{
  if (peek() != tag) return fail(Errc::malformed, "DER: tag {:#04x} (want {:#04x})", peek(), tag);
  return next();
}

Status DerReader::finish() const
{
  if (left_.empty()) return ok();
  return fail(Errc::malformed, "DER: {} bytes left over", left_.size());
}

Result<Tlv> read_one(ByteView data, std::uint8_t tag)
{
  DerReader in{data};
  const Tlv out = TRY(in.expect(tag));
  TRY(in.finish());
  return out;
}

Result<ByteView> unsigned_magnitude(const Tlv& integer)
{
  const ByteView c = integer.content;
  if (c.empty()) return fail(Errc::malformed, "DER: empty integer");
  if ((c[0] & 0x80U) != 0) return fail(Errc::malformed, "DER: negative integer");
  if (c.size() == 1 || c[0] != 0) return c;
  if ((c[1] & 0x80U) == 0) return fail(Errc::malformed, "DER: integer not in its shortest form");
  return c.subspan(1);
}

Result<std::uint64_t> small_unsigned(const Tlv& integer, std::uint64_t limit)
{
  const ByteView magnitude = TRY(unsigned_magnitude(integer));
  std::uint64_t value = 0;
  if (magnitude.size() > sizeof value) return fail(Errc::malformed, "DER: integer above {}", limit);
  for (const std::uint8_t byte : magnitude)
    value = value << 8U | byte;
  if (value > limit) return fail(Errc::malformed, "DER: integer {} (at most {})", value, limit);
  return value;
}

Result<bool> boolean_value(const Tlv& boolean)
{
  const ByteView c = boolean.content;
  if (c.size() != 1 || (c[0] != 0 && c[0] != 0xffU))
    return fail(Errc::malformed, "DER: boolean that is neither 00 nor FF");
  return c[0] != 0;
}

Result<std::int64_t> time_value(const Tlv& time)
{
  const bool utc = time.tag == tag::utc_time;
  if (!utc && time.tag != tag::generalized_time)
    return fail(Errc::malformed, "DER: tag {:#04x} (want a time)", time.tag);
  const std::size_t year_digits = utc ? 2 : 4;
  const ByteView c = time.content;
  if (c.size() != year_digits + 11 || c.back() != 'Z')
    return fail(Errc::malformed, "DER: a time that is not [YY]YYMMDDHHMMSSZ");
  unsigned year = TRY(two_digits(c, 0));
  if (utc)
    year += year >= 50 ? 1900U : 2000U;
  else
    year = year * 100 + TRY(two_digits(c, 2));
  const std::size_t at = year_digits;
  const Clock clock{TRY(two_digits(c, at + 4)), TRY(two_digits(c, at + 6)),
                    TRY(two_digits(c, at + 8))};
  return unix_seconds({year, TRY(two_digits(c, at)), TRY(two_digits(c, at + 2))}, clock);
}

} // namespace dstack::x509
