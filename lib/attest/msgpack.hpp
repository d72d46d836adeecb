#pragma once
/// The part of MessagePack that attestation V1 uses: maps with string keys, arrays, strings, binary
/// and non-negative integers (msgpack specification; spec guest 10.2).

#include "base/bytes.hpp"

#include <functional>

namespace dstack::attest {

class MsgpackReader {
public:
  explicit MsgpackReader(ByteView data) : in_(data), data_(data) {}

  /// The first byte of a map in any of its encodings.
  static bool starts_map(std::uint8_t byte);

  /// Calls member with each key; it reads or skips the value. Keys given twice are refused.
  Status map(const std::function<Status(const std::string&)>& member);
  /// Calls item once for each of at most limit items; it reads or skips the item.
  Status array(std::size_t limit, const std::function<Status()>& item);
  Result<std::uint64_t> number();
  Result<std::string> text(); ///< valid UTF-8
  /// Binary, or an array of numbers 0..255: encoders write both.
  Result<Bytes> bytes();
  Result<bool> is_nil(); ///< takes the nil
  Status skip();
  Status finish() const { return in_.finish(); }

private:
  /// Number of the items that follow, from the tag's one, two or four size bytes.
  Result<std::size_t> size(unsigned width);
  Result<std::size_t> map_size();
  Result<std::size_t> array_size();
  Result<ByteView> raw_text();
  Result<std::uint8_t> peek() const;

  ByteReader in_;
  ByteView data_;
};

class MsgpackWriter {
public:
  MsgpackWriter& map(std::size_t members);
  MsgpackWriter& array(std::size_t items);
  MsgpackWriter& number(std::uint64_t value);
  MsgpackWriter& text(std::string_view text);
  MsgpackWriter& bin(ByteView bytes);
  MsgpackWriter& numbers(ByteView bytes); ///< an array with one number a byte
  MsgpackWriter& nil();
  Bytes take() { return out_.take(); }

private:
  ByteWriter out_;
};

} // namespace dstack::attest
