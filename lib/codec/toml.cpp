#include "codec/toml.hpp"

#include <toml++/toml.h>

namespace dstack::codec {

namespace {

Result<Toml> convert(const toml::node& node);

Result<Toml> convert_array(const toml::array& array)
{
  TomlArray out;
  for (const toml::node& item : array)
    out.push_back(TRY(convert(item)));
  return Toml{std::move(out)};
}

Result<Toml> convert_table(const toml::table& table)
{
  TomlTable out;
  for (const auto& [key, item] : table)
    out.emplace_back(std::string{key.str()}, TRY(convert(item)));
  return Toml{std::move(out)};
}

Result<Toml> convert_value(const toml::node& node)
{
  if (const auto* text = node.as_string()) return Toml{text->get()};
  if (const auto* number = node.as_integer()) return Toml{number->get()};
  if (const auto* number = node.as_floating_point()) return Toml{number->get()};
  if (const auto* boolean = node.as_boolean()) return Toml{boolean->get()};
  if (const auto* array = node.as_array()) return convert_array(*array);
  if (const auto* table = node.as_table()) return convert_table(*table);
  return fail(Errc::malformed, "line {}: dates and times are not used here",
              node.source().begin.line);
}

Result<Toml> convert(const toml::node& node)
{
  Toml out = TRY(convert_value(node));
  out.line = node.source().begin.line;
  out.column = node.source().begin.column;
  return out;
}

} // namespace

std::string_view Toml::kind() const
{
  static constexpr std::string_view names[] = {"true or false", "an integer", "a real number",
                                               "a string",      "a list",     "a table"};
  return names[value.index()];
}

Result<Toml> parse_toml(std::string_view text)
{
  if (text.size() > max_toml_bytes)
    return fail(Errc::malformed, "larger than {} bytes", max_toml_bytes);
  try {
    return convert(toml::parse(text));
  } catch (const toml::parse_error& error) {
    const auto at = error.source().begin;
    return fail(Errc::malformed, "line {}, column {}: {}", at.line, at.column, error.description());
  }
}

} // namespace dstack::codec
