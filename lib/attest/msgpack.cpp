#include "attest/msgpack.hpp"

#include "base/text.hpp"

#include <set>

namespace dstack::attest {

namespace {

constexpr std::size_t max_members = 64;
constexpr std::size_t max_skip = 1'000'000;

namespace tag {
constexpr std::uint8_t fixmap = 0x80;
constexpr std::uint8_t fixarray = 0x90;
constexpr std::uint8_t fixstr = 0xa0;
constexpr std::uint8_t nil = 0xc0;
constexpr std::uint8_t no = 0xc2;
constexpr std::uint8_t yes = 0xc3;
constexpr std::uint8_t bin8 = 0xc4;
constexpr std::uint8_t bin32 = 0xc6;
constexpr std::uint8_t u8 = 0xcc;
constexpr std::uint8_t u16 = 0xcd;
constexpr std::uint8_t u32 = 0xce;
constexpr std::uint8_t u64 = 0xcf;
constexpr std::uint8_t str8 = 0xd9;
constexpr std::uint8_t str32 = 0xdb;
constexpr std::uint8_t array16 = 0xdc;
constexpr std::uint8_t array32 = 0xdd;
constexpr std::uint8_t map16 = 0xde;
constexpr std::uint8_t map32 = 0xdf;
} // namespace tag

bool is_fixmap(std::uint8_t t)
{
  return (t & 0xf0U) == tag::fixmap;
}
bool is_fixarray(std::uint8_t t)
{
  return (t & 0xf0U) == tag::fixarray;
}
bool is_fixstr(std::uint8_t t)
{
  return (t & 0xe0U) == tag::fixstr;
}

Error unexpected(std::uint8_t found, std::string_view want)
{
  return fail(Errc::malformed, "MessagePack: tag {:#04x} (want {})", found, want);
}

} // namespace

bool MsgpackReader::starts_map(std::uint8_t byte)
{
  return is_fixmap(byte) || byte == tag::map16 || byte == tag::map32;
}

Result<std::uint8_t> MsgpackReader::peek() const
{
  if (in_.remaining() == 0) return fail(Errc::malformed, "MessagePack: ends too early");
  return data_[in_.offset()];
}

Result<std::size_t> MsgpackReader::size(unsigned width)
{
  std::size_t out = 0;
  for (const std::uint8_t byte : TRY(in_.take(width)))
    out = out << 8U | byte;
  return out;
}

Result<std::size_t> MsgpackReader::map_size()
{
  const std::uint8_t t = TRY(in_.u8());
  if (is_fixmap(t)) return std::size_t{t & 0x0fU};
  if (t == tag::map16) return size(2);
  if (t == tag::map32) return size(4);
  return unexpected(t, "a map");
}

Result<std::size_t> MsgpackReader::array_size()
{
  const std::uint8_t t = TRY(in_.u8());
  if (is_fixarray(t)) return std::size_t{t & 0x0fU};
  if (t == tag::array16) return size(2);
  if (t == tag::array32) return size(4);
  return unexpected(t, "an array");
}

Result<ByteView> MsgpackReader::raw_text()
{
  const std::uint8_t t = TRY(in_.u8());
  if (is_fixstr(t)) return in_.take(t & 0x1fU);
  if (t >= tag::str8 && t <= tag::str32) return in_.take(TRY(size(1U << (t - tag::str8))));
  return unexpected(t, "a string");
}

Status MsgpackReader::map(const std::function<Status(const std::string&)>& member)
{
  const std::size_t count = TRY(map_size());
  if (count > max_members)
    return fail(Errc::malformed, "MessagePack: map of {} members (limit {})", count, max_members);
  std::set<std::string> seen;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string key = TRY(text());
    if (!seen.insert(key).second)
      return fail(Errc::malformed, "MessagePack: key '{}' twice", printable(key));
    TRY(member(key).within("{}", printable(key)));
  }
  return ok();
}

Status MsgpackReader::array(std::size_t limit, const std::function<Status()>& item)
{
  const std::size_t count = TRY(array_size());
  if (count > limit)
    return fail(Errc::malformed, "MessagePack: array of {} items (limit {})", count, limit);
  for (std::size_t i = 0; i < count; ++i)
    TRY(item().within("[{}]", i));
  return ok();
}

Result<std::uint64_t> MsgpackReader::number()
{
  const std::uint8_t t = TRY(in_.u8());
  if (t < tag::fixmap) return std::uint64_t{t};
  switch (t) {
  case tag::u8:
    return std::uint64_t{TRY(in_.u8())};
  case tag::u16:
    return std::uint64_t{TRY(in_.u16be())};
  case tag::u32:
    return std::uint64_t{TRY(in_.u32be())};
  case tag::u64:
    return in_.u64be();
  default:
    return unexpected(t, "a number, zero or more");
  }
}

Result<std::string> MsgpackReader::text()
{
  const std::string_view text = as_text(TRY(raw_text()));
  if (!is_utf8(text)) return fail(Errc::malformed, "MessagePack: text that is not UTF-8");
  return std::string{text};
}

Result<Bytes> MsgpackReader::bytes()
{
  const std::uint8_t t = TRY(peek());
  if (t >= tag::bin8 && t <= tag::bin32) {
    static_cast<void>(TRY(in_.u8()));
    return to_bytes(TRY(in_.take(TRY(size(1U << (t - tag::bin8))))));
  }
  const std::size_t count = TRY(array_size());
  if (count > in_.remaining()) // each number takes a byte at least
    return fail(Errc::malformed, "MessagePack: array of {} numbers in {} bytes", count,
                in_.remaining());
  Bytes out;
  out.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t value = TRY(number());
    if (value > 255) return fail(Errc::malformed, "MessagePack: a byte of {}", value);
    out.push_back(static_cast<std::uint8_t>(value));
  }
  return out;
}

Result<bool> MsgpackReader::is_nil()
{
  if (TRY(peek()) != tag::nil) return false;
  static_cast<void>(TRY(in_.u8()));
  return true;
}

/// Counts what is still to be passed over instead of recursing.
Status MsgpackReader::skip()
{
  std::size_t left = 1;
  for (std::size_t done = 0; left > 0; ++done) {
    if (done > max_skip) return fail(Errc::malformed, "MessagePack: too many values");
    --left;
    const std::uint8_t t = TRY(peek());
    if (starts_map(t)) {
      left += 2 * TRY(map_size());
    } else if (is_fixarray(t) || t == tag::array16 || t == tag::array32) {
      left += TRY(array_size());
    } else if (is_fixstr(t) || (t >= tag::str8 && t <= tag::str32)) {
      static_cast<void>(TRY(raw_text()));
    } else if (t >= tag::bin8 && t <= tag::bin32) {
      static_cast<void>(TRY(bytes()));
    } else if (t == tag::nil || t == tag::no || t == tag::yes || t >= 0xe0U) {
      static_cast<void>(TRY(in_.u8()));
    } else {
      static_cast<void>(TRY(number()));
    }
  }
  return ok();
}

MsgpackWriter& MsgpackWriter::map(std::size_t members)
{
  DSTACK_ASSERT(members < 16);
  out_.u8(static_cast<std::uint8_t>(tag::fixmap | members));
  return *this;
}

MsgpackWriter& MsgpackWriter::array(std::size_t items)
{
  if (items < 16)
    out_.u8(static_cast<std::uint8_t>(tag::fixarray | items));
  else if (items <= UINT16_MAX)
    out_.u8(tag::array16).u16be(static_cast<std::uint16_t>(items));
  else
    out_.u8(tag::array32).u32be(static_cast<std::uint32_t>(items));
  return *this;
}

MsgpackWriter& MsgpackWriter::number(std::uint64_t value)
{
  if (value < tag::fixmap)
    out_.u8(static_cast<std::uint8_t>(value));
  else if (value <= UINT8_MAX)
    out_.u8(tag::u8).u8(static_cast<std::uint8_t>(value));
  else if (value <= UINT16_MAX)
    out_.u8(tag::u16).u16be(static_cast<std::uint16_t>(value));
  else if (value <= UINT32_MAX)
    out_.u8(tag::u32).u32be(static_cast<std::uint32_t>(value));
  else
    out_.u8(tag::u64).u64be(value);
  return *this;
}

MsgpackWriter& MsgpackWriter::text(std::string_view text)
{
  if (text.size() < 32)
    out_.u8(static_cast<std::uint8_t>(tag::fixstr | text.size()));
  else if (text.size() <= UINT8_MAX)
    out_.u8(tag::str8).u8(static_cast<std::uint8_t>(text.size()));
  else if (text.size() <= UINT16_MAX)
    out_.u8(tag::str8 + 1).u16be(static_cast<std::uint16_t>(text.size()));
  else
    out_.u8(tag::str32).u32be(static_cast<std::uint32_t>(text.size()));
  out_.text(text);
  return *this;
}

MsgpackWriter& MsgpackWriter::bin(ByteView bytes)
{
  if (bytes.size() <= UINT8_MAX)
    out_.u8(tag::bin8).u8(static_cast<std::uint8_t>(bytes.size()));
  else if (bytes.size() <= UINT16_MAX)
    out_.u8(tag::bin8 + 1).u16be(static_cast<std::uint16_t>(bytes.size()));
  else
    out_.u8(tag::bin32).u32be(static_cast<std::uint32_t>(bytes.size()));
  out_.put(bytes);
  return *this;
}

MsgpackWriter& MsgpackWriter::numbers(ByteView bytes)
{
  array(bytes.size());
  for (const std::uint8_t byte : bytes)
    number(byte);
  return *this;
}

MsgpackWriter& MsgpackWriter::nil()
{
  out_.u8(tag::nil);
  return *this;
}

} // namespace dstack::attest
