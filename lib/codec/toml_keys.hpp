#pragma once
/// Keys of TOML tables by what they hold, for read_table. Errors are Errc::config with the line.

#include "codec/toml_table.hpp"

#include <chrono>

namespace dstack::codec {

inline constexpr std::size_t max_toml_line = 4096;

/// One line of printable text, not too long.
bool is_toml_line(const std::string& text);
Result<std::string> toml_line(const Toml& in, std::string_view key);
/// The same, not empty.
Result<std::string> toml_name(const Toml& in, std::string_view key);
/// Empty, or an http:// or https:// address.
Result<std::string> toml_url(const Toml& in, std::string_view key);

struct NumberRange {
  std::uint64_t least = 0;
  std::uint64_t most = 0;
};
Result<std::uint64_t> toml_in_range(const Toml& in, std::string_view key, const NumberRange& range);
/// "5m", at least so long, at most a year.
Result<std::chrono::milliseconds>
toml_duration(const Toml& in, std::string_view key, std::uint64_t least_ms);

template <class T> TomlKey<T> line_key(std::string_view name, std::string T::*member)
{
  return {name, [=](const Toml& in, T& out) -> Status {
            out.*member = TRY(toml_line(in, name));
            return ok();
          }};
}

/// A file that must have a name.
template <class T> TomlKey<T> file_key(std::string_view name, std::string T::*member)
{
  return {name, [=](const Toml& in, T& out) -> Status {
            out.*member = TRY(toml_name(in, name));
            return ok();
          }};
}

template <class T> TomlKey<T> url_key(std::string_view name, std::string T::*member)
{
  return {name, [=](const Toml& in, T& out) -> Status {
            out.*member = TRY(toml_url(in, name));
            return ok();
          }};
}

template <class T> TomlKey<T> bool_key(std::string_view name, bool T::*member)
{
  return {name, [=](const Toml& in, T& out) -> Status {
            out.*member = TRY(toml_bool(in, name));
            return ok();
          }};
}

template <class T>
TomlKey<T> number_key(std::string_view name, std::uint64_t T::*member, NumberRange range)
{
  return {name, [=](const Toml& in, T& out) -> Status {
            out.*member = TRY(toml_in_range(in, name, range));
            return ok();
          }};
}

template <class T>
TomlKey<T>
duration_key(std::string_view name, std::chrono::milliseconds T::*member, std::uint64_t least_ms)
{
  return {name, [=](const Toml& in, T& out) -> Status {
            out.*member = TRY(toml_duration(in, name, least_ms));
            return ok();
          }};
}

} // namespace dstack::codec
