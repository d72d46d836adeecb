#pragma once
/// Small text helpers and the units people type: sizes, durations, times.

#include "base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dstack {

constexpr bool is_digit(char c)
{
  return c >= '0' && c <= '9';
}

std::string_view trim(std::string_view text);
/// Splits at every separator; empty pieces are kept.
std::vector<std::string_view> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& pieces, std::string_view separator);
std::string lower(std::string_view text);
/// Decimal without sign, blanks or overflow.
Result<std::uint64_t> parse_u64(std::string_view text);
/// Valid UTF-8 (no surrogates, no overlong forms, <= U+10FFFF).
bool is_utf8(std::string_view text);
/// Bytes that a terminal would obey (controls, escape) replaced; safe to print guest output.
std::string printable(std::string_view text);

/// "512", "512M", "2G", "1.5G", "20GiB" -> bytes; suffixes are powers of 1024.
Result<std::uint64_t> parse_size(std::string_view text);
/// 1610612736 -> "1.5G"
std::string format_size(std::uint64_t bytes);
/// "90", "90s", "5m", "2h", "250ms" -> milliseconds; a bare number is seconds.
Result<std::uint64_t> parse_duration_ms(std::string_view text);
/// 93500 -> "1m33s", 950 -> "0.9s"
std::string format_duration_ms(std::uint64_t ms);

/// Milliseconds since the Unix epoch, always passed in, never read here.
struct Time {
  std::int64_t ms = 0;
  std::int64_t seconds() const { return ms / 1000; }
  auto operator<=>(const Time&) const = default;
};
/// "2026-11-23T02:03:04Z"
std::string format_utc(Time time);

/// The closest of the candidates by edit distance, when close enough to be meant.
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& among);

} // namespace dstack
