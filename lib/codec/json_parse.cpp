#include "base/text.hpp"
#include "codec/json.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace dstack::codec {

namespace {

void append_utf8(std::string& out, std::uint32_t point)
{
  const auto put = [&](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xc0U | point >> 6U);
    put(0x80U | (point & 0x3fU));
  } else if (point < 0x10000) {
    put(0xe0U | point >> 12U);
    put(0x80U | (point >> 6U & 0x3fU));
    put(0x80U | (point & 0x3fU));
  } else {
    put(0xf0U | point >> 18U);
    put(0x80U | (point >> 12U & 0x3fU));
    put(0x80U | (point >> 6U & 0x3fU));
    put(0x80U | (point & 0x3fU));
  }
}

/// Reads one document front to back; nesting is bounded by the limits, so recursion is too.
class Parser {
public:
  Parser(std::string_view text, const JsonLimits& limits) : text_(text), limits_(limits) {}

  Result<Json> document()
  {
    Json out = TRY(value(0));
    skip_blank();
    if (at_ != text_.size()) return syntax();
    return out;
  }

private:
  Error syntax() const { return fail(Errc::malformed, "syntax error at byte {}", at_ + 1); }

  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  void skip_blank()
  {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c != ' ' && c != '\n' && c != '\r' && c != '\t') return;
      ++at_;
    }
  }

  bool take(char c)
  {
    skip_blank();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  Status word(std::string_view wanted)
  {
    if (text_.substr(at_, wanted.size()) != wanted) return syntax();
    at_ += wanted.size();
    return ok();
  }

  Result<Json> value(std::size_t depth)
  {
    if (++nodes_ > limits_.max_nodes)
      return fail(Errc::malformed, "more than {} values", limits_.max_nodes);
    skip_blank();
    switch (peek()) {
    case '{':
      return object(depth);
    case '[':
      return array(depth);
    case '"':
      return Json{TRY(string())};
    case 't':
      TRY(word("true"));
      return Json{true};
    case 'f':
      TRY(word("false"));
      return Json{false};
    case 'n':
      TRY(word("null"));
      return Json{};
    default:
      return number();
    }
  }

  Status enter(std::size_t depth)
  {
    ++at_;
    if (depth < limits_.max_depth) return ok();
    return fail(Errc::malformed, "nested deeper than {}", limits_.max_depth);
  }

  Result<Json> array(std::size_t depth)
  {
    TRY(enter(depth));
    JsonArray out;
    if (take(']')) return Json{std::move(out)};
    do
      out.push_back(TRY(value(depth + 1)));
    while (take(','));
    if (!take(']')) return syntax();
    return Json{std::move(out)};
  }

  Result<Json> object(std::size_t depth)
  {
    TRY(enter(depth));
    JsonObject out;
    if (take('}')) return Json{std::move(out)};
    do {
      skip_blank();
      std::string key = TRY(string());
      if (!take(':')) return syntax();
      out.emplace_back(std::move(key), TRY(value(depth + 1)));
    } while (take(','));
    if (!take('}')) return syntax();
    TRY(check_keys(out));
    return Json{std::move(out)};
  }

  static Status check_keys(const JsonObject& members)
  {
    std::vector<std::string_view> keys;
    keys.reserve(members.size());
    for (const auto& member : members)
      keys.emplace_back(member.first);
    std::sort(keys.begin(), keys.end());
    const auto twice = std::adjacent_find(keys.begin(), keys.end());
    if (twice == keys.end()) return ok();
    return fail(Errc::malformed, "key '{}' twice", printable(*twice));
  }

  Result<std::string> string()
  {
    if (peek() != '"') return syntax();
    ++at_;
    std::string out;
    while (true) {
      const std::size_t from = at_;
      while (at_ < text_.size() && is_plain(text_[at_]))
        ++at_;
      out.append(text_, from, at_ - from);
      if (at_ >= text_.size()) return syntax();
      if (text_[at_] == '"') break;
      if (text_[at_] != '\\') return syntax(); // a control character
      ++at_;
      TRY(escape(out));
    }
    ++at_;
    const auto beyond_ascii = [](char c) { return static_cast<unsigned char>(c) >= 0x80; };
    if (std::any_of(out.begin(), out.end(), beyond_ascii) && !is_utf8(out))
      return fail(Errc::malformed, "invalid UTF-8 before byte {}", at_);
    return out;
  }

  static bool is_plain(char c)
  {
    return static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\';
  }

  Status escape(std::string& out)
  {
    constexpr std::string_view names = "\"\\/bfnrt";
    constexpr std::string_view values = "\"\\/\b\f\n\r\t";
    const char c = peek();
    if (c == 'u') {
      ++at_;
      append_utf8(out, TRY(code_point()));
      return ok();
    }
    const std::size_t which = names.find(c);
    if (at_ >= text_.size() || which == std::string_view::npos) return syntax();
    out.push_back(values[which]);
    ++at_;
    return ok();
  }

  Result<std::uint32_t> code_unit()
  {
    constexpr std::size_t digits = 4;
    std::uint32_t out = 0;
    const std::string_view hex = text_.substr(at_, digits);
    const auto end = std::from_chars(hex.data(), hex.data() + hex.size(), out, 16);
    if (hex.size() != digits || end.ptr != hex.data() + digits) return syntax();
    at_ += digits;
    return out;
  }

  Result<std::uint32_t> code_point()
  {
    const std::uint32_t first = TRY(code_unit());
    if (first < 0xd800 || first > 0xdfff) return first;
    if (first > 0xdbff || text_.substr(at_, 2) != "\\u") return syntax();
    at_ += 2;
    const std::uint32_t second = TRY(code_unit());
    if (second < 0xdc00 || second > 0xdfff) return syntax();
    return 0x10000 + ((first - 0xd800) << 10U) + (second - 0xdc00);
  }

  Status digits()
  {
    if (!is_digit(peek())) return syntax();
    while (is_digit(peek()))
      ++at_;
    return ok();
  }

  Result<Json> number()
  {
    const std::size_t from = at_;
    bool whole = true;
    if (peek() == '-') ++at_;
    if (peek() == '0')
      ++at_;
    else
      TRY(digits());
    if (peek() == '.') {
      ++at_;
      whole = false;
      TRY(digits());
    }
    if (peek() == 'e' || peek() == 'E') {
      ++at_;
      whole = false;
      if (peek() == '+' || peek() == '-') ++at_;
      TRY(digits());
    }
    const std::string_view text = text_.substr(from, at_ - from);
    return whole ? integer(text) : real(text);
  }

  template <class T> static bool parse(std::string_view text, T& out)
  {
    const auto end = std::from_chars(text.data(), text.data() + text.size(), out);
    return end.ec == std::errc{} && end.ptr == text.data() + text.size();
  }

  static Result<Json> integer(std::string_view text)
  {
    std::int64_t small = 0;
    if (parse(text, small)) return Json{small};
    std::uint64_t large = 0;
    if (text[0] != '-' && parse(text, large)) return Json{large};
    return fail(Errc::malformed, "the number {} does not fit 64 bits", text.substr(0, 40));
  }

  static Result<Json> real(std::string_view text)
  {
    double out = 0;
    if (parse(text, out) && std::isfinite(out)) return Json{out};
    return fail(Errc::malformed, "the number {} is out of range", text.substr(0, 40));
  }

  std::string_view text_;
  const JsonLimits& limits_;
  std::size_t at_ = 0;
  std::size_t nodes_ = 0;
};

} // namespace

Result<Json> parse_json(std::string_view text, const JsonLimits& limits)
{
  if (text.size() > limits.max_bytes)
    return fail(Errc::malformed, "JSON: {} bytes (limit {})", text.size(), limits.max_bytes);
  return Parser{text, limits}.document().within("JSON");
}

} // namespace dstack::codec
