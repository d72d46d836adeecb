#pragma once
/// The part of the SCALE encoding that attestation V0 uses: little-endian integers, and vectors and
/// strings with a compact length before them (spec guest 10.1).

#include "base/bytes.hpp"

namespace dstack::attest {

class ScaleReader {
public:
  explicit ScaleReader(ByteView data) : in_(data) {}

  Result<std::uint8_t> u8() { return in_.u8(); }
  Result<std::uint32_t> u32() { return in_.u32le(); }
  Result<ByteView> fixed(std::size_t size) { return in_.take(size); }
  /// Compact length of at most limit, in its shortest form.
  Result<std::size_t> count(std::size_t limit);
  Result<ByteView> bytes();
  Result<std::string> text();            ///< valid UTF-8
  ByteView rest() { return in_.rest(); } ///< everything not yet read
  Status finish() const { return in_.finish(); }

private:
  ByteReader in_;
};

class ScaleWriter {
public:
  ScaleWriter& u8(std::uint8_t value);
  ScaleWriter& u32(std::uint32_t value);
  ScaleWriter& fixed(ByteView bytes);
  ScaleWriter& count(std::size_t count); ///< below 2^30
  ScaleWriter& bytes(ByteView bytes);
  ScaleWriter& text(std::string_view text);
  Bytes take() { return out_.take(); }

private:
  ByteWriter out_;
};

} // namespace dstack::attest
