#include "compose/source.hpp"

namespace dstack::compose {

using codec::Yaml;

Result<std::string> Source::text(const Yaml& node, std::string_view what) const
{
  if (!node.is_scalar() || node.is_null()) return at(node.at, "{}: a text is wanted", what);
  if (node.is_string()) return node.text;
  return codec::write_json(codec::yaml_scalar(node));
}

Result<bool> Source::flag(const Yaml& node, std::string_view what) const
{
  const codec::Json value = codec::yaml_scalar(node);
  if (node.is_scalar() && value.is_bool()) return *value.as_bool();
  if (node.is_string()) {
    const std::string word = lower(node.text);
    for (const std::string_view yes : {"true", "yes", "y", "on"})
      if (word == yes) return true;
    for (const std::string_view no : {"false", "no", "n", "off"})
      if (word == no) return false;
  }
  return at(node.at, "{}: true or false is wanted", what);
}

Result<std::vector<std::string>> Source::texts(const Yaml& node, std::string_view what) const
{
  std::vector<std::string> out;
  if (!node.is_list()) {
    out.push_back(TRY(text(node, what)));
    return out;
  }
  for (const Yaml& item : node.items)
    out.push_back(TRY(text(item, what)));
  return out;
}

Status Source::wants_map(const Yaml& node, std::string_view what) const
{
  if (node.is_map()) return ok();
  return at(node.at, "{}: a map is wanted", what);
}

Status Source::only_keys(const Yaml& map,
                         std::string_view what,
                         const std::vector<std::string>& known) const
{
  for (const auto& member : map.members) {
    if (member.key.starts_with("x-")) continue;
    if (std::find(known.begin(), known.end(), member.key) != known.end()) continue;
    const auto meant = nearest(member.key, known);
    return at(member.at, "{}: unknown key '{}'{}", what, printable(member.key),
              meant ? fmt::format("; did you mean '{}'?", *meant) : "");
  }
  return ok();
}

} // namespace dstack::compose
