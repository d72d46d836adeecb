#include "attest/scale.hpp"

#include "base/text.hpp"

namespace dstack::attest {

namespace {

constexpr std::size_t one_byte = std::size_t{1} << 6U;
constexpr std::size_t two_bytes = std::size_t{1} << 14U;
constexpr std::size_t four_bytes = std::size_t{1} << 30U;

} // namespace

Result<std::size_t> ScaleReader::count(std::size_t limit)
{
  const std::uint8_t first = TRY(in_.u8());
  std::size_t value = first >> 2U;
  std::size_t least = 0;
  switch (first & 3U) {
  case 0:
    break;
  case 1:
    value |= std::size_t{TRY(in_.u8())} << 6U;
    least = one_byte;
    break;
  case 2: {
    const ByteView more = TRY(in_.take(3));
    value |= std::size_t{more[0]} << 6U | std::size_t{more[1]} << 14U | std::size_t{more[2]} << 22U;
    least = two_bytes;
    break;
  }
  default:
    return fail(Errc::malformed, "SCALE: length of 2^30 or more");
  }
  if (value < least) return fail(Errc::malformed, "SCALE: length not in its shortest form");
  if (value > limit) return fail(Errc::malformed, "SCALE: {} items (limit {})", value, limit);
  return value;
}

Result<ByteView> ScaleReader::bytes()
{
  return in_.take(TRY(count(four_bytes)));
}

Result<std::string> ScaleReader::text()
{
  const std::string_view text = as_text(TRY(bytes()));
  if (!is_utf8(text)) return fail(Errc::malformed, "SCALE: text that is not UTF-8");
  return std::string{text};
}

ScaleWriter& ScaleWriter::u8(std::uint8_t value)
{
  out_.u8(value);
  return *this;
}

ScaleWriter& ScaleWriter::u32(std::uint32_t value)
{
  out_.u32le(value);
  return *this;
}

ScaleWriter& ScaleWriter::fixed(ByteView bytes)
{
  out_.put(bytes);
  return *this;
}

ScaleWriter& ScaleWriter::count(std::size_t count)
{
  DSTACK_ASSERT(count < four_bytes);
  const auto shifted = static_cast<std::uint32_t>(count << 2U);
  if (count < one_byte)
    out_.u8(static_cast<std::uint8_t>(shifted));
  else if (count < two_bytes)
    out_.u16le(static_cast<std::uint16_t>(shifted | 1U));
  else
    out_.u32le(shifted | 2U);
  return *this;
}

ScaleWriter& ScaleWriter::bytes(ByteView bytes)
{
  count(bytes.size());
  return fixed(bytes);
}

ScaleWriter& ScaleWriter::text(std::string_view text)
{
  return bytes(as_bytes(text));
}

} // namespace dstack::attest
