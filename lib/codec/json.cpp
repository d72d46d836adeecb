#include "codec/json.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace dstack::codec {

Json::Json(std::uint64_t value)
{
  if (value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    v_ = static_cast<std::int64_t>(value);
  else
    v_ = value;
}

bool Json::is_integer() const
{
  return std::holds_alternative<std::int64_t>(v_) || std::holds_alternative<std::uint64_t>(v_);
}

namespace {

std::string_view kind_of(const Json& value)
{
  if (value.is_null()) return "null";
  if (value.is_bool()) return "a boolean";
  if (value.is_string()) return "a string";
  if (value.is_array()) return "a list";
  if (value.is_object()) return "an object";
  return "a number";
}

Error wanted(const Json& value, std::string_view what)
{
  return fail(Errc::malformed, "{} where {} is wanted", kind_of(value), what);
}

} // namespace

Result<bool> Json::as_bool() const
{
  if (const bool* value = std::get_if<bool>(&v_)) return *value;
  return wanted(*this, "a boolean");
}

Result<std::int64_t> Json::as_i64() const
{
  if (const auto* value = std::get_if<std::int64_t>(&v_)) return *value;
  return wanted(*this, "a whole number");
}

Result<std::uint64_t> Json::as_u64() const
{
  if (const auto* value = std::get_if<std::uint64_t>(&v_)) return *value;
  const auto* value = std::get_if<std::int64_t>(&v_);
  if (value != nullptr && *value >= 0) return static_cast<std::uint64_t>(*value);
  return wanted(*this, "a whole number, zero or more,");
}

Result<double> Json::as_double() const
{
  if (const auto* value = std::get_if<double>(&v_)) return *value;
  if (const auto* value = std::get_if<std::int64_t>(&v_)) return static_cast<double>(*value);
  if (const auto* value = std::get_if<std::uint64_t>(&v_)) return static_cast<double>(*value);
  return wanted(*this, "a number");
}

Result<std::string> Json::as_string() const
{
  if (const auto* value = std::get_if<std::string>(&v_)) return *value;
  return wanted(*this, "a string");
}

const std::string& Json::text() const
{
  DSTACK_ASSERT(is_string());
  return *std::get_if<std::string>(&v_);
}

const JsonArray& Json::items() const
{
  DSTACK_ASSERT(is_array());
  return *std::get_if<JsonArray>(&v_);
}

JsonArray& Json::items()
{
  DSTACK_ASSERT(is_array());
  return *std::get_if<JsonArray>(&v_);
}

const JsonObject& Json::members() const
{
  DSTACK_ASSERT(is_object());
  return *std::get_if<JsonObject>(&v_);
}

JsonObject& Json::members()
{
  DSTACK_ASSERT(is_object());
  return *std::get_if<JsonObject>(&v_);
}

const Json* Json::find(std::string_view key) const
{
  const auto* object = std::get_if<JsonObject>(&v_);
  if (object == nullptr) return nullptr;
  const auto at = std::find_if(object->begin(), object->end(),
                               [&](const auto& member) { return member.first == key; });
  return at == object->end() ? nullptr : &at->second;
}

namespace {

const Json* present(const Json& object, std::string_view key)
{
  const Json* value = object.find(key);
  return value == nullptr || value->is_null() ? nullptr : value;
}

Result<const Json*> need(const Json& object, std::string_view key)
{
  const Json* value = present(object, key);
  if (value == nullptr) return fail(Errc::malformed, "'{}' is missing", key);
  return value;
}

} // namespace

Result<std::string> Json::need_string(std::string_view key) const
{
  const Json* value = TRY(need(*this, key));
  return value->as_string().within("'{}'", key);
}

Result<std::uint64_t> Json::need_u64(std::string_view key) const
{
  const Json* value = TRY(need(*this, key));
  return value->as_u64().within("'{}'", key);
}

Result<const Json*> Json::need_object(std::string_view key) const
{
  const Json* value = TRY(need(*this, key));
  if (!value->is_object()) return wanted(*value, "an object").within(fmt::format("'{}'", key));
  return value;
}

Result<const Json*> Json::need_array(std::string_view key) const
{
  const Json* value = TRY(need(*this, key));
  if (!value->is_array()) return wanted(*value, "a list").within(fmt::format("'{}'", key));
  return value;
}

Result<std::string> Json::get_string(std::string_view key, std::string_view fallback) const
{
  const Json* value = present(*this, key);
  if (value == nullptr) return std::string{fallback};
  return value->as_string().within("'{}'", key);
}

Result<std::uint64_t> Json::get_u64(std::string_view key, std::uint64_t fallback) const
{
  const Json* value = present(*this, key);
  if (value == nullptr) return fallback;
  return value->as_u64().within("'{}'", key);
}

Result<bool> Json::get_bool(std::string_view key, bool fallback) const
{
  const Json* value = present(*this, key);
  if (value == nullptr) return fallback;
  return value->as_bool().within("'{}'", key);
}

Result<std::vector<std::string>> Json::get_strings(std::string_view key) const
{
  std::vector<std::string> out;
  const Json* value = present(*this, key);
  if (value == nullptr) return out;
  if (!value->is_array()) return wanted(*value, "a list").within(fmt::format("'{}'", key));
  for (const Json& item : value->items())
    out.push_back(TRY(item.as_string().within("'{}' item {}", key, out.size())));
  return out;
}

Json& Json::set(std::string_view key, Json value)
{
  if (is_null()) v_ = JsonObject{};
  for (auto& [name, old] : members()) {
    if (name == key) {
      old = std::move(value);
      return *this;
    }
  }
  members().emplace_back(key, std::move(value));
  return *this;
}

void Json::push(Json value)
{
  if (is_null()) v_ = JsonArray{};
  items().push_back(std::move(value));
}

namespace {

class Writer {
public:
  explicit Writer(const JsonStyle& style) : style_(style) {}

  void value(const Json& value, std::size_t depth)
  {
    if (value.is_null())
      out_ += "null";
    else if (value.is_bool())
      out_ += *value.as_bool() ? "true" : "false";
    else if (value.is_string())
      string(value.text());
    else if (value.is_array())
      array(value.items(), depth);
    else if (value.is_object())
      object(value.members(), depth);
    else
      number(value);
  }

  std::string take() { return std::move(out_); }

private:
  void line(std::size_t depth)
  {
    if (style_.indent < 0) return;
    out_ += '\n';
    out_.append(depth * static_cast<std::size_t>(style_.indent), ' ');
  }

  void number(const Json& value)
  {
    if (const auto i = value.as_i64())
      out_ += fmt::format("{}", *i);
    else if (const auto u = value.as_u64())
      out_ += fmt::format("{}", *u);
    else
      real(*value.as_double());
  }

  /// A real number keeps its point, so that it reads back as one.
  void real(double value)
  {
    if (!std::isfinite(value)) {
      out_ += "null";
      return;
    }
    const std::string text = fmt::format("{}", value);
    out_ += text;
    if (text.find_first_of(".e") == std::string::npos) out_ += ".0";
  }

  void array(const JsonArray& items, std::size_t depth)
  {
    out_ += '[';
    for (const Json& item : items) {
      if (&item != &items.front()) out_ += ',';
      line(depth + 1);
      value(item, depth + 1);
    }
    if (!items.empty()) line(depth);
    out_ += ']';
  }

  void object(const JsonObject& members, std::size_t depth)
  {
    std::vector<const std::pair<std::string, Json>*> order;
    order.reserve(members.size());
    for (const auto& member : members)
      order.push_back(&member);
    if (style_.order == JsonOrder::sorted)
      std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
        return a->first < b->first; // UTF-8 bytes sort as code points do
      });
    out_ += '{';
    for (const auto* member : order) {
      if (member != order.front()) out_ += ',';
      line(depth + 1);
      string(member->first);
      out_ += style_.indent < 0 ? ":" : ": ";
      value(member->second, depth + 1);
    }
    if (!members.empty()) line(depth);
    out_ += '}';
  }

  void string(std::string_view text)
  {
    out_ += '"';
    while (!text.empty()) {
      // Most text needs nothing: it is taken over in stretches.
      const auto special =
          std::find_if(text.begin(), text.end(), [this](char c) { return !is_plain(c); });
      const auto plain = static_cast<std::size_t>(special - text.begin());
      out_ += text.substr(0, plain);
      text.remove_prefix(plain);
      if (!text.empty()) text.remove_prefix(character(text));
    }
    out_ += '"';
  }

  bool is_plain(char c) const
  {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || c == '"' || c == '\\') return false;
    return byte < 0x7f || style_.escape == JsonEscape::utf8;
  }

  /// Writes one character that is not plain, returns how many bytes it took.
  std::size_t character(std::string_view text)
  {
    const auto c = static_cast<unsigned char>(text[0]);
    switch (c) {
    case '"':
      out_ += "\\\"";
      return 1;
    case '\\':
      out_ += "\\\\";
      return 1;
    case '\b':
      out_ += "\\b";
      return 1;
    case '\f':
      out_ += "\\f";
      return 1;
    case '\n':
      out_ += "\\n";
      return 1;
    case '\r':
      out_ += "\\r";
      return 1;
    case '\t':
      out_ += "\\t";
      return 1;
    default:
      break;
    }
    if (c < 0x80) {
      out_ += fmt::format("\\u{:04x}", c);
      return 1;
    }
    return escaped(text);
  }

  std::size_t escaped(std::string_view text)
  {
    const auto byte = [&](std::size_t i) {
      return i < text.size()
                 ? static_cast<std::uint32_t>(static_cast<unsigned char>(text[i])) & 0x3fU
                 : 0U;
    };
    const auto lead = static_cast<unsigned char>(text[0]);
    const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    const std::uint32_t high = lead & (length == 4 ? 0x07U : length == 3 ? 0x0fU : 0x1fU);
    std::uint32_t code = high;
    for (std::size_t i = 1; i < length; ++i)
      code = code << 6U | byte(i);
    if (code >= 0x10000) {
      code -= 0x10000;
      out_ += fmt::format("\\u{:04x}\\u{:04x}", 0xd800U + (code >> 10U), 0xdc00U + (code & 0x3ffU));
    } else {
      out_ += fmt::format("\\u{:04x}", code);
    }
    return std::min(length, text.size());
  }

  const JsonStyle& style_;
  std::string out_;
};

} // namespace

std::string write_json(const Json& value, const JsonStyle& style)
{
  Writer writer{style};
  writer.value(value, 0);
  return writer.take();
}

} // namespace dstack::codec
