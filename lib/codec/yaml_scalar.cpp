#include "base/text.hpp"
#include "codec/yaml.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

/// Which scalar means what: the rules of Go's yaml.v3, which docker compose reads with. YAML 1.2
/// booleans and nulls; integers as Go's strconv with base 0 after dropping '_'.

namespace dstack::codec {

namespace {

bool one_of(std::string_view text, std::initializer_list<std::string_view> words)
{
  return std::find(words.begin(), words.end(), text) != words.end();
}

bool means_null(std::string_view text)
{
  return one_of(text, {"", "~", "null", "Null", "NULL"});
}

/// Digits of a base given by 0x, 0o, 0b or a leading 0; no sign.
std::optional<std::uint64_t> parse_magnitude(std::string_view text)
{
  int base = 10;
  if (text.size() > 1 && text[0] == '0') {
    const char mark = static_cast<char>(text[1] | 0x20);
    base = mark == 'x' ? 16 : mark == 'b' ? 2 : 8;
    text.remove_prefix(one_of(std::string_view{&mark, 1}, {"x", "b", "o"}) ? 2 : 1);
  }
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<Json> parse_integer(std::string_view text)
{
  const bool negative = text.starts_with('-');
  const bool sign = negative || text.starts_with('+');
  const auto magnitude = parse_magnitude(text.substr(sign ? 1 : 0));
  if (!magnitude) return std::nullopt;
  constexpr std::uint64_t half = std::uint64_t{1} << 63U;
  if (!negative)
    return sign && *magnitude >= half ? std::nullopt : std::optional<Json>{Json{*magnitude}};
  if (*magnitude > half) return std::nullopt;
  return Json{static_cast<std::int64_t>(~*magnitude + 1)};
}

/// [-+]? (.digits | digits[.digits]) ([eE][-+]?digits)?
bool looks_like_float(std::string_view text)
{
  std::size_t i = 0;
  const auto digits = [&] {
    const std::size_t from = i;
    while (i < text.size() && is_digit(text[i]))
      ++i;
    return i > from;
  };
  if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
  const bool whole = digits();
  if (i < text.size() && text[i] == '.') {
    ++i;
    if (!digits() && !whole) return false;
  } else if (!whole) {
    return false;
  }
  if (i == text.size()) return true;
  if (text[i] != 'e' && text[i] != 'E') return false;
  ++i;
  if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
  return digits() && i == text.size();
}

std::optional<Json> parse_float(std::string_view text)
{
  if (!looks_like_float(text)) return std::nullopt;
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return Json{value};
}

std::optional<Json> parse_number(const std::string& text)
{
  if (text.starts_with('.')) return parse_float(text);
  if (!is_digit(text[0]) && text[0] != '+' && text[0] != '-') return std::nullopt;
  std::string plain = text;
  plain.erase(std::remove(plain.begin(), plain.end(), '_'), plain.end());
  if (auto integer = parse_integer(plain)) return integer;
  return parse_float(plain);
}

bool forced_string(const Yaml& scalar)
{
  if (scalar.tag.empty()) return scalar.style != YamlStyle::plain;
  return !one_of(scalar.tag, {"tag:yaml.org,2002:int", "tag:yaml.org,2002:float",
                              "tag:yaml.org,2002:bool", "tag:yaml.org,2002:null"});
}

} // namespace

Json yaml_scalar(const Yaml& scalar)
{
  if (forced_string(scalar)) return Json{scalar.text};
  if (means_null(scalar.text)) return Json{};
  if (one_of(scalar.text, {"true", "True", "TRUE"})) return Json{true};
  if (one_of(scalar.text, {"false", "False", "FALSE"})) return Json{false};
  if (auto number = parse_number(scalar.text)) return *std::move(number);
  return Json{scalar.text};
}

Json yaml_to_json(const Yaml& tree)
{
  if (tree.is_scalar()) return yaml_scalar(tree);
  if (tree.is_list()) {
    JsonArray out;
    for (const Yaml& item : tree.items)
      out.push_back(yaml_to_json(item));
    return Json{std::move(out)};
  }
  JsonObject out;
  for (const YamlMember& member : tree.members)
    out.emplace_back(member.key, yaml_to_json(member.value));
  return Json{std::move(out)};
}

bool Yaml::is_null() const
{
  return is_scalar() && yaml_scalar(*this).is_null();
}

bool Yaml::is_string() const
{
  return is_scalar() && yaml_scalar(*this).is_string();
}

const Yaml* Yaml::find(std::string_view key) const
{
  for (const YamlMember& member : members)
    if (member.key == key) return &member.value;
  return nullptr;
}

} // namespace dstack::codec
