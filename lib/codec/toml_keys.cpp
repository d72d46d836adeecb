#include "codec/toml_keys.hpp"

#include "base/text.hpp"

namespace dstack::codec {

namespace {

constexpr std::uint64_t longest_ms = std::uint64_t{365} * 24 * 3'600'000;

} // namespace

bool is_toml_line(const std::string& text)
{
  return text.size() <= max_toml_line && printable(text) == text &&
         text.find('\n') == std::string::npos;
}

Result<std::string> toml_line(const Toml& in, std::string_view key)
{
  std::string out = TRY(toml_string(in, key));
  if (is_toml_line(out)) return out;
  return fail(Errc::config, "line {}: '{}' is not one line of at most {} bytes", in.line, key,
              max_toml_line);
}

Result<std::string> toml_name(const Toml& in, std::string_view key)
{
  std::string out = TRY(toml_line(in, key));
  if (!out.empty()) return out;
  return fail(Errc::config, "line {}: '{}' is empty", in.line, key);
}

Result<std::string> toml_url(const Toml& in, std::string_view key)
{
  std::string out = TRY(toml_line(in, key));
  if (out.empty() || out.starts_with("https://") || out.starts_with("http://")) return out;
  return fail(Errc::config, "line {}: '{}' is no http:// or https:// address", in.line, key);
}

Result<std::uint64_t> toml_in_range(const Toml& in, std::string_view key, const NumberRange& range)
{
  const std::uint64_t value = TRY(toml_number(in, key));
  if (value >= range.least && value <= range.most) return value;
  return fail(Errc::config, "line {}: '{}' is {} (want {} to {})", in.line, key, value, range.least,
              range.most);
}

Result<std::chrono::milliseconds>
toml_duration(const Toml& in, std::string_view key, std::uint64_t least_ms)
{
  const std::string text = TRY(toml_string(in, key));
  const auto value = parse_duration_ms(text);
  if (!value || *value < least_ms || *value > longest_ms)
    return fail(Errc::config, "line {}: '{}' is '{}' (want a duration such as \"5m\", {} at least)",
                in.line, key, printable(text), format_duration_ms(least_ms));
  return std::chrono::milliseconds{*value};
}

} // namespace dstack::codec
