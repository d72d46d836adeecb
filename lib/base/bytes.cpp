#include "base/bytes.hpp"

#include <algorithm>
#include <array>

namespace dstack {

ByteView as_bytes(std::string_view text)
{
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): char and uint8_t share storage.
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string_view as_text(ByteView bytes)
{
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): char and uint8_t share storage.
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Bytes to_bytes(std::string_view text)
{
  const ByteView view = as_bytes(text);
  return {view.begin(), view.end()};
}

Bytes to_bytes(ByteView view)
{
  return {view.begin(), view.end()};
}

std::string to_text(ByteView bytes)
{
  return std::string{as_text(bytes)};
}

bool equal(ByteView a, ByteView b)
{
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

Bytes concat(std::initializer_list<ByteView> pieces)
{
  std::size_t size = 0;
  for (const ByteView piece : pieces)
    size += piece.size();
  Bytes out;
  out.reserve(size); // one buffer: pieces may be secret, and the result is wiped by who asked
  for (const ByteView piece : pieces)
    out.insert(out.end(), piece.begin(), piece.end());
  return out;
}

std::string hex(ByteView bytes)
{
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const std::uint8_t byte : bytes) {
    out.push_back(digits[byte >> 4U]);
    out.push_back(digits[byte & 15U]);
  }
  return out;
}

namespace {

constexpr std::string_view base64_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

using DigitTable = std::array<std::uint8_t, 256>;
constexpr std::uint8_t no_digit = 0xff;

/// What each character stands for, by its place in the alphabet (modulo `base`).
constexpr DigitTable digit_table(std::string_view alphabet, std::size_t base)
{
  DigitTable out{};
  out.fill(no_digit);
  for (std::size_t i = 0; i < alphabet.size(); ++i)
    out.at(static_cast<unsigned char>(alphabet[i])) = static_cast<std::uint8_t>(i % base);
  return out;
}

constexpr DigitTable hex_digits = digit_table("0123456789abcdef0123456789ABCDEF", 16);
constexpr DigitTable base64_digits = digit_table(base64_alphabet, base64_alphabet.size());

std::uint8_t digit_of(const DigitTable& table, char c)
{
  return table[static_cast<unsigned char>(c)]; // never out of range: 256 entries
}

template <class T> Result<T> read_le(ByteReader& in)
{
  const ByteView raw = TRY(in.take(sizeof(T)));
  std::uint64_t value = 0;
  for (std::size_t i = raw.size(); i-- > 0;)
    value = value << 8U | raw[i];
  return static_cast<T>(value);
}

template <class T> Result<T> read_be(ByteReader& in)
{
  const ByteView raw = TRY(in.take(sizeof(T)));
  std::uint64_t value = 0;
  for (const std::uint8_t byte : raw)
    value = value << 8U | byte;
  return static_cast<T>(value);
}

void write_le(Bytes& out, std::uint64_t value, std::size_t width)
{
  for (std::size_t i = 0; i < width; ++i)
    out.push_back(static_cast<std::uint8_t>(value >> 8 * i));
}

void write_be(Bytes& out, std::uint64_t value, std::size_t width)
{
  for (std::size_t i = width; i-- > 0;)
    out.push_back(static_cast<std::uint8_t>(value >> 8 * i));
}

} // namespace

Result<Bytes> parse_hex(std::string_view text)
{
  if (text.size() % 2 != 0)
    return fail(Errc::malformed, "odd number of hex digits ({})", text.size());
  Bytes out;
  out.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const std::uint8_t high = digit_of(hex_digits, text[i]);
    const std::uint8_t low = digit_of(hex_digits, text[i + 1]);
    if (high == no_digit || low == no_digit)
      return fail(Errc::malformed, "not a hex digit at position {}", i);
    out.push_back(static_cast<std::uint8_t>(high << 4U | low));
  }
  return out;
}

std::string base64(ByteView bytes)
{
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t have = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = static_cast<std::uint32_t>(bytes[i]) << 16U;
    if (have > 1) group |= static_cast<std::uint32_t>(bytes[i + 1]) << 8U;
    if (have > 2) group |= bytes[i + 2];
    out.push_back(base64_alphabet[group >> 18U & 63U]);
    out.push_back(base64_alphabet[group >> 12U & 63U]);
    out.push_back(have > 1 ? base64_alphabet[group >> 6U & 63U] : '=');
    out.push_back(have > 2 ? base64_alphabet[group & 63U] : '=');
  }
  return out;
}

Result<Bytes> parse_base64(std::string_view text)
{
  if (text.size() % 4 != 0) return fail(Errc::malformed, "base64 of {} characters", text.size());
  Bytes out;
  out.reserve(text.size() / 4 * 3);
  for (std::size_t i = 0; i < text.size(); i += 4) {
    const bool last = i + 4 == text.size();
    const std::size_t pad = !last ? 0 : text[i + 3] != '=' ? 0 : text[i + 2] == '=' ? 2 : 1;
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      const std::uint8_t value = k >= 4 - pad ? 0 : digit_of(base64_digits, text[i + k]);
      if (value == no_digit) return fail(Errc::malformed, "not base64 at position {}", i + k);
      group = group << 6U | value;
    }
    if ((pad == 1 && (group & 0xffU) != 0) || (pad == 2 && (group & 0xffffU) != 0))
      return fail(Errc::malformed, "base64 with non-zero trailing bits");
    out.push_back(static_cast<std::uint8_t>(group >> 16U));
    if (pad < 2) out.push_back(static_cast<std::uint8_t>(group >> 8U));
    if (pad < 1) out.push_back(static_cast<std::uint8_t>(group));
  }
  return out;
}

Result<ByteView> ByteReader::take(std::size_t count)
{
  if (count > remaining())
    return fail(Errc::malformed, "need {} bytes at offset {}, have {}", count, at_, remaining());
  const ByteView out = data_.subspan(at_, count);
  at_ += count;
  return out;
}

Result<std::uint8_t> ByteReader::u8()
{
  return read_le<std::uint8_t>(*this);
}
Result<std::uint16_t> ByteReader::u16le()
{
  return read_le<std::uint16_t>(*this);
}
Result<std::uint32_t> ByteReader::u32le()
{
  return read_le<std::uint32_t>(*this);
}
Result<std::uint64_t> ByteReader::u64le()
{
  return read_le<std::uint64_t>(*this);
}
Result<std::uint16_t> ByteReader::u16be()
{
  return read_be<std::uint16_t>(*this);
}
Result<std::uint32_t> ByteReader::u32be()
{
  return read_be<std::uint32_t>(*this);
}
Result<std::uint64_t> ByteReader::u64be()
{
  return read_be<std::uint64_t>(*this);
}

ByteView ByteReader::rest()
{
  const ByteView out = data_.subspan(at_);
  at_ = data_.size();
  return out;
}

Status ByteReader::finish() const
{
  if (remaining() != 0) return fail(Errc::malformed, "{} bytes after the end", remaining());
  return ok();
}

ByteWriter& ByteWriter::put(ByteView bytes)
{
  out_.insert(out_.end(), bytes.begin(), bytes.end());
  return *this;
}

ByteWriter& ByteWriter::text(std::string_view text)
{
  return put(as_bytes(text));
}

ByteWriter& ByteWriter::zeros(std::size_t count)
{
  out_.insert(out_.end(), count, 0);
  return *this;
}

ByteWriter& ByteWriter::u8(std::uint8_t value)
{
  out_.push_back(value);
  return *this;
}

ByteWriter& ByteWriter::u16le(std::uint16_t value)
{
  write_le(out_, value, 2);
  return *this;
}

ByteWriter& ByteWriter::u32le(std::uint32_t value)
{
  write_le(out_, value, 4);
  return *this;
}

ByteWriter& ByteWriter::u64le(std::uint64_t value)
{
  write_le(out_, value, 8);
  return *this;
}

ByteWriter& ByteWriter::u16be(std::uint16_t value)
{
  write_be(out_, value, 2);
  return *this;
}

ByteWriter& ByteWriter::u32be(std::uint32_t value)
{
  write_be(out_, value, 4);
  return *this;
}

ByteWriter& ByteWriter::u64be(std::uint64_t value)
{
  write_be(out_, value, 8);
  return *this;
}

} // namespace dstack
