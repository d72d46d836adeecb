#pragma once
/// TOML 1.0 as a plain tree that remembers where each value was written. Dates are refused: nothing
/// of ours is configured with one.

#include "base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace dstack::codec {

struct Toml;
using TomlArray = std::vector<Toml>;
using TomlTable = std::vector<std::pair<std::string, Toml>>; ///< in the order of the keys' names

struct Toml {
  std::variant<bool, std::int64_t, double, std::string, TomlArray, TomlTable> value{};
  unsigned line = 0;   ///< counted from 1
  unsigned column = 0; ///< of its first character, counted from 1 in characters

  const TomlTable* table() const { return std::get_if<TomlTable>(&value); }
  const TomlArray* array() const { return std::get_if<TomlArray>(&value); }
  const std::string* text() const { return std::get_if<std::string>(&value); }
  /// "a string", "a table" and so on, for messages.
  std::string_view kind() const;
};

inline constexpr std::size_t max_toml_bytes = std::size_t{1} << 20U;

/// The top-level table. Errors are Errc::malformed and name line and column.
Result<Toml> parse_toml(std::string_view text);

} // namespace dstack::codec
