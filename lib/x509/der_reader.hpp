#pragma once
/// Reading DER (ITU-T X.690): definite minimal lengths, one-byte tags, nothing read twice. Views
/// point into the caller's bytes.

#include "base/bytes.hpp"

#include <cstdint>

namespace dstack::x509 {

namespace tag {
inline constexpr std::uint8_t boolean = 0x01;
inline constexpr std::uint8_t integer = 0x02;
inline constexpr std::uint8_t bit_string = 0x03;
inline constexpr std::uint8_t octet_string = 0x04;
inline constexpr std::uint8_t oid = 0x06;
inline constexpr std::uint8_t enumerated = 0x0a;
inline constexpr std::uint8_t utf8_string = 0x0c;
inline constexpr std::uint8_t printable_string = 0x13;
inline constexpr std::uint8_t utc_time = 0x17;
inline constexpr std::uint8_t generalized_time = 0x18;
inline constexpr std::uint8_t sequence = 0x30;
inline constexpr std::uint8_t set = 0x31;
/// Of a certificate (RFC 5280, 4.1).
inline constexpr std::uint8_t version = 0xa0;
inline constexpr std::uint8_t extensions = 0xa3;
} // namespace tag

struct Tlv {
  std::uint8_t tag = 0;
  ByteView content{};
  ByteView whole{}; ///< with tag and length
};

class DerReader {
public:
  explicit DerReader(ByteView data) : left_(data) {}

  bool empty() const { return left_.empty(); }
  /// The tag of the next element, 0 at the end.
  std::uint8_t peek() const { return left_.empty() ? std::uint8_t{0} : left_[0]; }
  Result<Tlv> next();
  Result<Tlv> expect(std::uint8_t tag);
  /// Fails when elements are left over.
  Status finish() const;

private:
  ByteView left_;
};

/// The only element of data, of that tag.
Result<Tlv> read_one(ByteView data, std::uint8_t tag);

/// Big-endian magnitude without leading zeros of a minimal, non-negative INTEGER; {0} for zero.
Result<ByteView> unsigned_magnitude(const Tlv& integer);
/// The same as a number, at most limit.
Result<std::uint64_t> small_unsigned(const Tlv& integer, std::uint64_t limit);
Result<bool> boolean_value(const Tlv& boolean); ///< 00 or FF

/// UTCTime YYMMDDHHMMSSZ (50 and above is 19YY) or GeneralizedTime YYYYMMDDHHMMSSZ, to Unix
/// seconds; other forms are refused (RFC 5280, 4.1.2.5).
Result<std::int64_t> time_value(const Tlv& time);

} // namespace dstack::x509
