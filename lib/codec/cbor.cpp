#include "codec/cbor.hpp"

#include "base/text.hpp"

namespace dstack::codec {

namespace {

/// Major types (RFC 8949, 3.1), in the upper three bits of a head.
namespace major {
constexpr std::uint8_t number = 0;
constexpr std::uint8_t bytes = 2;
constexpr std::uint8_t text = 3;
constexpr std::uint8_t array = 4;
constexpr std::uint8_t map = 5;
} // namespace major

constexpr unsigned major_shift = 5;
constexpr std::uint8_t info_mask = 0x1f;
/// Up to here the number is in the head itself; then 1, 2, 4 or 8 bytes follow.
constexpr std::uint8_t largest_direct = 23;
constexpr std::uint8_t one_byte = 24;
constexpr std::uint8_t eight_bytes = 27;
constexpr std::uint8_t no = 0xf4;
constexpr std::uint8_t yes = 0xf5;

std::string_view name_of(std::uint8_t type)
{
  switch (type) {
  case major::number: return "an unsigned number";
  case major::bytes: return "a byte string";
  case major::text: return "a text";
  case major::array: return "an array";
  default: return "a map";
  }
}

/// The least number that needs this many bytes: anything below has a shorter head.
constexpr std::uint64_t least_of(unsigned width)
{
  return width == 1 ? largest_direct + 1U : std::uint64_t{1} << (width * 4U);
}

} // namespace

Result<std::uint64_t> CborReader::head(std::uint8_t type)
{
  const std::size_t at = in_.offset();
  const std::uint8_t first = TRY(in_.u8().within("CBOR at byte {}", at));
  if (first >> major_shift != type)
    return fail(Errc::malformed, "CBOR at byte {}: head {:#04x} (want {})", at, first,
                name_of(type));
  const std::uint8_t info = first & info_mask;
  if (info <= largest_direct) return std::uint64_t{info};
  if (info > eight_bytes)
    return fail(Errc::malformed, "CBOR at byte {}: length that is not stated", at);
  const unsigned width = 1U << (info - one_byte);
  std::uint64_t value = 0;
  for (const std::uint8_t byte : TRY(in_.take(width).within("CBOR at byte {}", at)))
    value = value << 8U | byte;
  if (value < least_of(width))
    return fail(Errc::malformed, "CBOR at byte {}: {} in a longer form than it needs", at, value);
  return value;
}

Result<ByteView> CborReader::content(std::uint8_t type, std::size_t limit)
{
  const std::size_t at = in_.offset();
  const std::uint64_t size = TRY(head(type));
  if (size > limit)
    return fail(Errc::malformed, "CBOR at byte {}: {} of {} bytes (limit {})", at, name_of(type),
                size, limit);
  return in_.take(size).within("CBOR at byte {}", at);
}

Result<ByteView> CborReader::sized_bytes(std::size_t size)
{
  const ByteView out = TRY(content(major::bytes, size));
  if (out.size() != size)
    return fail(Errc::malformed, "byte string of {} bytes (want {})", out.size(), size);
  return out;
}

Status CborReader::map(std::size_t members)
{
  const std::uint64_t found = TRY(head(major::map));
  if (found == members) return ok();
  return fail(Errc::malformed, "map of {} members (want {})", found, members);
}

Status CborReader::key(std::string_view name)
{
  constexpr std::size_t longest_key = 64;
  const std::string found = TRY(text(longest_key));
  if (found == name) return ok();
  return fail(Errc::malformed, "member '{}' (want '{}')", printable(found), name);
}

Result<std::size_t> CborReader::array(std::size_t limit)
{
  const std::uint64_t found = TRY(head(major::array));
  if (found <= limit) return static_cast<std::size_t>(found);
  return fail(Errc::malformed, "array of {} items (limit {})", found, limit);
}

Result<std::uint64_t> CborReader::number()
{
  return head(major::number);
}

Result<bool> CborReader::boolean()
{
  const std::uint8_t found = TRY(in_.u8());
  if (found == yes || found == no) return found == yes;
  return fail(Errc::malformed, "CBOR head {:#04x} (want true or false)", found);
}

Result<std::string> CborReader::text(std::size_t limit)
{
  const std::string_view out = as_text(TRY(content(major::text, limit)));
  if (!is_utf8(out)) return fail(Errc::malformed, "text that is no UTF-8");
  return std::string{out};
}

Result<Bytes> CborReader::bytes(std::size_t limit)
{
  return to_bytes(TRY(content(major::bytes, limit)));
}

CborWriter& CborWriter::head(std::uint8_t type, std::uint64_t value)
{
  const auto first = [type](std::uint8_t info) {
    return static_cast<std::uint8_t>(type << major_shift | info);
  };
  if (value <= largest_direct) {
    out_.u8(first(static_cast<std::uint8_t>(value)));
    return *this;
  }
  std::uint8_t info = one_byte;
  while (info < eight_bytes && value >= least_of(2U << (info - one_byte)))
    ++info;
  out_.u8(first(info));
  for (unsigned left = 1U << (info - one_byte); left > 0; --left)
    out_.u8(static_cast<std::uint8_t>(value >> (left - 1) * 8));
  return *this;
}

CborWriter& CborWriter::map(std::size_t members)
{
  return head(major::map, members);
}

CborWriter& CborWriter::array(std::size_t items)
{
  return head(major::array, items);
}

CborWriter& CborWriter::number(std::uint64_t value)
{
  return head(major::number, value);
}

CborWriter& CborWriter::boolean(bool value)
{
  out_.u8(value ? yes : no);
  return *this;
}

CborWriter& CborWriter::text(std::string_view text)
{
  head(major::text, text.size());
  out_.text(text);
  return *this;
}

CborWriter& CborWriter::bytes(ByteView bytes)
{
  head(major::bytes, bytes.size());
  out_.put(bytes);
  return *this;
}

} // namespace dstack::codec
