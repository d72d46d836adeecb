#include "rpc/fields.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace dstack::rpc {

using codec::Json;

namespace {

Json default_of(const Field& field)
{
  if (field.need == Need::optional) return Json{};
  switch (field.kind) {
  case FieldKind::text:
  case FieldKind::bytes:
    return Json{""};
  case FieldKind::boolean:
    return Json{false};
  case FieldKind::u64:
  case FieldKind::i64:
    return Json{std::uint64_t{0}};
  case FieldKind::texts:
  case FieldKind::bytes_list:
  case FieldKind::messages:
    return Json::array();
  case FieldKind::message:
    return Json{};
  case FieldKind::counts:
    return Json::object();
  }
  return Json{};
}

Result<Json> bytes_text(const Json& value)
{
  const std::string text = TRY(value.as_string());
  std::string_view digits = text;
  while (digits.starts_with("0x"))
    digits.remove_prefix(2);
  return Json{hex(TRY(parse_hex(digits)))};
}

Result<Json> list_of(const Json& value, Result<Json> (*item)(const Json&))
{
  if (!value.is_array()) return fail(Errc::malformed, "not a list");
  Json out = Json::array();
  for (const Json& one : value.items())
    out.push(TRY(item(one)));
  return out;
}

Result<Json> plain_text(const Json& value)
{
  return Json{TRY(value.as_string())};
}

Result<Json> boolean_of(const Json& value, Source source)
{
  if (source == Source::json) return Json{TRY(value.as_bool())};
  const std::string text = TRY(value.as_string());
  if (text != "true" && text != "false")
    return fail(Errc::malformed, "'{}' is not true or false", printable(text));
  return Json{text == "true"};
}

Result<Json> number_of(const Json& value, Source source)
{
  if (source == Source::json) return Json{TRY(value.as_u64())};
  return Json{TRY(parse_u64(TRY(value.as_string())))};
}

Result<Json> message_of(const Field& field, const Json& value, Source source)
{
  if (!value.is_object()) return fail(Errc::malformed, "not an object");
  return typed_request(field.members, value, source);
}

Result<Json> messages_of(const Field& field, const Json& value, Source source)
{
  if (!value.is_array()) return fail(Errc::malformed, "not a list");
  Json out = Json::array();
  for (const Json& one : value.items())
    out.push(TRY(message_of(field, one, source)));
  return out;
}

Result<Json> counts_of(const Json& value, Source source)
{
  if (!value.is_object()) return fail(Errc::malformed, "not an object");
  Json out = Json::object();
  for (const auto& [name, count] : value.members())
    out.set(fmt::format("{}", TRY(parse_u64(name))), TRY(number_of(count, source)));
  return out;
}

Result<Json> typed_value(const Field& field, const Json& value, Source source)
{
  if (value.is_null() && field.need == Need::optional) return Json{};
  switch (field.kind) {
  case FieldKind::text:
    return plain_text(value);
  case FieldKind::bytes:
    return bytes_text(value);
  case FieldKind::boolean:
    return boolean_of(value, source);
  case FieldKind::u64:
    return number_of(value, source);
  case FieldKind::texts:
    return list_of(value, plain_text);
  case FieldKind::bytes_list:
    return list_of(value, bytes_text);
  case FieldKind::i64:
    return Json{TRY(value.as_i64())};
  case FieldKind::message:
    return value.is_null() ? Result<Json>{Json{}} : message_of(field, value, source);
  case FieldKind::messages:
    return messages_of(field, value, source);
  case FieldKind::counts:
    return counts_of(value, source);
  }
  return Json{};
}

/// "name" or "name[0]", split.
Result<std::pair<std::string, bool>> list_name(const std::string& name)
{
  const auto open = name.find('[');
  if (open == std::string::npos) return std::pair{name, false};
  const std::string_view index = std::string_view{name}.substr(open + 1);
  const bool closed = index.ends_with(']');
  const auto digits = closed ? index.substr(0, index.size() - 1) : index;
  if (!closed || digits.find_first_not_of("0123456789") != std::string_view::npos)
    return fail(Errc::malformed, "query parameter '{}'", printable(name));
  return std::pair{name.substr(0, open), true};
}

} // namespace

Result<Json> typed_request(const std::vector<Field>& fields, const Json& given, Source source)
{
  Json out = Json::object();
  for (const Field& field : fields) {
    const Json* value = given.find(field.name);
    out.set(field.name, value == nullptr
                            ? default_of(field)
                            : TRY(typed_value(field, *value, source).within("{}", field.name)));
  }
  return out;
}

Json defaults_of(const std::vector<Field>& fields)
{
  Json out = Json::object();
  for (const Field& field : fields)
    out.set(field.name, default_of(field));
  return out;
}

Result<Json> query_tree(std::string_view query)
{
  Json out = Json::object();
  for (const http::Header& item : TRY(http::parse_query(query))) {
    if (item.name == "json") continue;
    if (!is_utf8(item.name) || !is_utf8(item.value))
      return fail(Errc::malformed, "the query is not UTF-8");
    const auto [name, in_list] = TRY(list_name(item.name));
    auto& members = out.members();
    auto at = std::find_if(members.begin(), members.end(),
                           [&known = name](const auto& member) { return member.first == known; });
    if (at != members.end() && (!in_list || !at->second.is_array()))
      return fail(Errc::malformed, "query parameter '{}' twice", printable(name));
    if (!in_list) {
      members.emplace_back(name, Json{item.value});
      continue;
    }
    // In place: anybody may send a long list, and copying it for each item takes long.
    if (at == members.end()) at = members.emplace(at, name, Json::array());
    at->second.push(Json{item.value});
  }
  return out;
}

} // namespace dstack::rpc
