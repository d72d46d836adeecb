#pragma once
/// Byte strings and bounds-checked reading and writing of binary structures.

#include "base/result.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dstack {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

/// The bytes of a text, and the text of some bytes (no conversion).
ByteView as_bytes(std::string_view text);
std::string_view as_text(ByteView bytes);
Bytes to_bytes(std::string_view text);
Bytes to_bytes(ByteView view);
std::string to_text(ByteView bytes);
bool equal(ByteView a, ByteView b);
/// Concatenation of all pieces.
Bytes concat(std::initializer_list<ByteView> pieces);

/// Lower-case hexadecimal without prefix.
std::string hex(ByteView bytes);
/// Strict: even length, [0-9a-fA-F] only, no prefix.
Result<Bytes> parse_hex(std::string_view text);
template <std::size_t N> Result<std::array<std::uint8_t, N>> parse_hex_array(std::string_view text);

/// Standard base64 with padding (RFC 4648 section 4).
std::string base64(ByteView bytes);
/// Strict: padding required, no white space, zero trailing bits.
Result<Bytes> parse_base64(std::string_view text);

/// Reads a structure front to back; every read is checked against what is left.
class ByteReader {
public:
  explicit ByteReader(ByteView data) : data_(data) {}

  std::size_t offset() const { return at_; }
  std::size_t remaining() const { return data_.size() - at_; }

  Result<ByteView> take(std::size_t count);
  Result<std::uint8_t> u8();
  Result<std::uint16_t> u16le();
  Result<std::uint32_t> u32le();
  Result<std::uint64_t> u64le();
  Result<std::uint16_t> u16be();
  Result<std::uint32_t> u32be();
  Result<std::uint64_t> u64be();
  template <std::size_t N> Result<std::array<std::uint8_t, N>> array()
  {
    const ByteView from = TRY(take(N));
    std::array<std::uint8_t, N> out{};
    std::copy(from.begin(), from.end(), out.begin());
    return out;
  }
  /// Everything not yet read.
  ByteView rest();
  /// Fails when bytes are left over.
  Status finish() const;

private:
  ByteView data_;
  std::size_t at_ = 0;
};

/// Appends a structure piece by piece.
class ByteWriter {
public:
  ByteWriter& put(ByteView bytes);
  ByteWriter& text(std::string_view text);
  ByteWriter& zeros(std::size_t count);
  ByteWriter& u8(std::uint8_t value);
  ByteWriter& u16le(std::uint16_t value);
  ByteWriter& u32le(std::uint32_t value);
  ByteWriter& u64le(std::uint64_t value);
  ByteWriter& u16be(std::uint16_t value);
  ByteWriter& u32be(std::uint32_t value);
  ByteWriter& u64be(std::uint64_t value);

  std::size_t size() const { return out_.size(); }
  const Bytes& bytes() const { return out_; }
  Bytes take() { return std::move(out_); }

private:
  Bytes out_;
};

template <std::size_t N> Result<std::array<std::uint8_t, N>> parse_hex_array(std::string_view text)
{
  const Bytes raw = TRY(parse_hex(text));
  if (raw.size() != N) return fail(Errc::malformed, "{} bytes of hex (want {})", raw.size(), N);
  std::array<std::uint8_t, N> out{};
  std::copy(raw.begin(), raw.end(), out.begin());
  return out;
}

} // namespace dstack
