#pragma once
/// JSON (RFC 8259) as a plain, bounded tree. Objects keep the order in which keys were written.
/// Parsing refuses duplicate keys, numbers outside 64 bits, invalid UTF-8, trailing text, and
/// anything deeper or larger than the stated limits.

#include "base/bytes.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace dstack::codec {

class Json;
using JsonArray = std::vector<Json>;
using JsonObject = std::vector<std::pair<std::string, Json>>;

class Json {
public:
  Json() = default; ///< null
  Json(std::nullptr_t) {}
  Json(bool value) : v_(value) {}
  Json(std::int64_t value) : v_(value) {}
  Json(std::uint64_t value);
  Json(int value) : v_(std::int64_t{value}) {}
  Json(unsigned value) : v_(std::int64_t{value}) {}
  Json(double value) : v_(value) {}
  Json(std::string value) : v_(std::move(value)) {}
  Json(std::string_view value) : v_(std::string{value}) {}
  Json(const char* value) : v_(std::string{value}) {}
  Json(JsonArray value) : v_(std::move(value)) {}
  Json(JsonObject value) : v_(std::move(value)) {}
  static Json array() { return Json{JsonArray{}}; }
  static Json object() { return Json{JsonObject{}}; }

  bool is_null() const { return std::holds_alternative<std::monostate>(v_); }
  bool is_bool() const { return std::holds_alternative<bool>(v_); }
  bool is_string() const { return std::holds_alternative<std::string>(v_); }
  bool is_array() const { return std::holds_alternative<JsonArray>(v_); }
  bool is_object() const { return std::holds_alternative<JsonObject>(v_); }
  bool is_integer() const;
  bool is_number() const { return is_integer() || std::holds_alternative<double>(v_); }

  /// Checked views: an error names what was found and what was wanted.
  Result<bool> as_bool() const;
  Result<std::int64_t> as_i64() const;
  Result<std::uint64_t> as_u64() const;
  Result<double> as_double() const;
  Result<std::string> as_string() const;
  /// Unchecked kinds abort (DSTACK_ASSERT): ask is_…() first.
  const std::string& text() const;
  const JsonArray& items() const;
  JsonArray& items();
  const JsonObject& members() const;
  JsonObject& members();

  /// Member of an object, or nullptr (also when this is no object).
  const Json* find(std::string_view key) const;
  /// Typed member; an error names the key. A missing or null member is an error in need_…, and
  /// the fallback in get_…; a member of the wrong kind is an error in both.
  Result<std::string> need_string(std::string_view key) const;
  Result<std::uint64_t> need_u64(std::string_view key) const;
  Result<const Json*> need_object(std::string_view key) const;
  Result<const Json*> need_array(std::string_view key) const;
  Result<std::string> get_string(std::string_view key, std::string_view fallback) const;
  Result<std::uint64_t> get_u64(std::string_view key, std::uint64_t fallback) const;
  Result<bool> get_bool(std::string_view key, bool fallback) const;
  Result<std::vector<std::string>> get_strings(std::string_view key) const;

  /// Sets or replaces a member (turns null into an object), returns *this for chaining.
  Json& set(std::string_view key, Json value);
  void push(Json value);
  bool operator==(const Json&) const = default;

private:
  std::variant<std::monostate,
               bool,
               std::int64_t,
               std::uint64_t,
               double,
               std::string,
               JsonArray,
               JsonObject>
      v_;
};

struct JsonLimits {
  std::size_t max_bytes = std::size_t{4} << 20U;
  std::size_t max_depth = 64;
  std::size_t max_nodes = 1'000'000;
};

/// Errors are Errc::malformed and name the byte offset.
Result<Json> parse_json(std::string_view text, const JsonLimits& limits = {});

enum class JsonOrder { as_written, sorted }; ///< sorted: by code point, recursively
enum class JsonEscape { utf8, ascii };       ///< ascii: \u escapes for everything above 0x7e

struct JsonStyle {
  int indent = -1; ///< -1: one line, no blanks
  JsonOrder order = JsonOrder::as_written;
  JsonEscape escape = JsonEscape::utf8;
};

std::string write_json(const Json& value, const JsonStyle& style = {});

} // namespace dstack::codec
