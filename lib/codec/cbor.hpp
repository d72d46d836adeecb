#pragma once
/// The part of CBOR that measurement documents use (RFC 8949): maps with text keys in a fixed
/// order, arrays, text, byte strings, booleans, unsigned integers. The reader takes only the
/// deterministic encoding (4.2.1: definite lengths, every head as short as can be), so what it
/// accepts is what the writer writes. libcbor would take any encoding and every order.

#include "base/bytes.hpp"

namespace dstack::codec {

class CborReader {
public:
  explicit CborReader(ByteView data) : in_(data) {}

  /// The head of a map with exactly this many members.
  Status map(std::size_t members);
  /// The next member's key, which must be this one.
  Status key(std::string_view name);
  /// The head of an array of at most limit items; their number.
  Result<std::size_t> array(std::size_t limit);
  Result<std::uint64_t> number();
  Result<bool> boolean();
  Result<std::string> text(std::size_t limit); ///< valid UTF-8 of at most limit bytes
  Result<Bytes> bytes(std::size_t limit);
  /// A byte string of exactly this size.
  template <std::size_t N> Result<std::array<std::uint8_t, N>> array_of()
  {
    const ByteView from = TRY(sized_bytes(N));
    std::array<std::uint8_t, N> out{};
    std::copy(from.begin(), from.end(), out.begin());
    return out;
  }
  Status finish() const { return in_.finish(); }

private:
  /// The number in a head of this major type.
  Result<std::uint64_t> head(std::uint8_t major);
  Result<ByteView> content(std::uint8_t major, std::size_t limit);
  Result<ByteView> sized_bytes(std::size_t size);

  ByteReader in_;
};

class CborWriter {
public:
  CborWriter& map(std::size_t members);
  CborWriter& key(std::string_view name) { return text(name); }
  CborWriter& array(std::size_t items);
  CborWriter& number(std::uint64_t value);
  CborWriter& boolean(bool value);
  CborWriter& text(std::string_view text);
  CborWriter& bytes(ByteView bytes);
  Bytes take() { return out_.take(); }

private:
  CborWriter& head(std::uint8_t major, std::uint64_t value);

  ByteWriter out_;
};

} // namespace dstack::codec
