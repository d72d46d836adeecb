#include "codec/toml_fields.hpp"

#include "base/bytes.hpp"
#include "base/text.hpp"

namespace dstack::codec {

Error toml_mismatch(const Toml& at, std::string_view key, std::string_view want)
{
  return fail(Errc::config, "line {}: '{}' is {} (want {})", at.line, key, at.kind(), want);
}

Error unknown_toml_key(const Toml& at, std::string_view key, const std::vector<std::string>& known)
{
  const auto close = nearest(key, known);
  return fail(Errc::config, "line {}: unknown key '{}'{}", at.line, printable(key),
              close ? fmt::format("; did you mean '{}'?", *close) : "");
}

Result<std::string> toml_string(const Toml& in, std::string_view key)
{
  if (in.text() == nullptr) return toml_mismatch(in, key, "a string");
  return *in.text();
}

Result<std::vector<std::string>> toml_strings(const Toml& in, std::string_view key)
{
  constexpr std::string_view want = "a list of strings";
  if (in.array() == nullptr) return toml_mismatch(in, key, want);
  std::vector<std::string> out;
  for (const Toml& item : *in.array()) {
    if (item.text() == nullptr) return toml_mismatch(item, key, want);
    out.push_back(*item.text());
  }
  return out;
}

Result<std::uint64_t> toml_number(const Toml& in, std::string_view key)
{
  const auto* value = std::get_if<std::int64_t>(&in.value);
  if (value == nullptr || *value < 0) return toml_mismatch(in, key, "a whole number, zero or more");
  return static_cast<std::uint64_t>(*value);
}

Result<bool> toml_bool(const Toml& in, std::string_view key)
{
  const auto* value = std::get_if<bool>(&in.value);
  if (value == nullptr) return toml_mismatch(in, key, "true or false");
  return *value;
}

Result<std::string> toml_digest(const Toml& in, std::string_view key, std::size_t size)
{
  const std::string text = TRY(toml_string(in, key));
  const auto raw = parse_hex(text);
  if (!raw || raw->size() != size)
    return fail(Errc::config, "line {}: '{}': '{}' is not {} bytes of hex", in.line, key,
                printable(text), size);
  return lower(text);
}

Result<std::vector<std::string>>
toml_digests(const Toml& in, std::string_view key, std::size_t size)
{
  if (in.array() == nullptr) return toml_mismatch(in, key, "a list of strings");
  std::vector<std::string> out;
  for (const Toml& item : *in.array()) {
    if (item.text() == nullptr) return toml_mismatch(item, key, "a list of strings");
    out.push_back(TRY(toml_digest(item, key, size)));
  }
  return out;
}

} // namespace dstack::codec
