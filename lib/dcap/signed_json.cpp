#include "dcap/signed_json.hpp"

namespace dstack::dcap {

namespace {

constexpr std::size_t max_depth = 32;

/// Walks over JSON text without building anything.
class Scanner {
public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool at_end() const { return at_ >= text_.size(); }

  void skip_blank()
  {
    while (!at_end() && std::string_view{" \t\r\n"}.find(text_[at_]) != std::string_view::npos)
      ++at_;
  }

  Status want(char c)
  {
    skip_blank();
    if (at_end() || text_[at_] != c) return fail(Errc::malformed, "no '{}' at byte {}", c, at_);
    ++at_;
    return ok();
  }

  bool take(char c)
  {
    skip_blank();
    if (at_end() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  /// A string's content as it stands; escapes are left alone.
  Result<std::string_view> string()
  {
    TRY(want('"'));
    const std::size_t from = at_;
    while (!at_end() && text_[at_] != '"')
      at_ += text_[at_] == '\\' ? 2U : 1U;
    if (at_ >= text_.size()) return fail(Errc::malformed, "string without an end");
    return text_.substr(from, at_++ - from);
  }

  /// An object from '{' to its '}'.
  Result<std::string_view> object()
  {
    skip_blank();
    const std::size_t from = at_;
    if (at_end() || text_[at_] != '{') return fail(Errc::malformed, "no '{{' at byte {}", at_);
    std::array<char, max_depth> closers{};
    std::size_t depth = 0;
    do {
      if (at_end()) return fail(Errc::malformed, "object without an end");
      const char c = text_[at_];
      if (c == '"') {
        static_cast<void>(TRY(string()));
        continue;
      }
      if (c == '{' || c == '[') {
        if (depth == max_depth) return fail(Errc::malformed, "nested deeper than {}", max_depth);
        closers.at(depth++) = c == '{' ? '}' : ']';
      }
      if ((c == '}' || c == ']') && closers.at(--depth) != c)
        return fail(Errc::malformed, "'{}' at byte {} closes nothing", c, at_);
      ++at_;
    } while (depth > 0);
    return text_.substr(from, at_ - from);
  }

private:
  std::string_view text_;
  std::size_t at_ = 0;
};

Status read_member(Scanner& in, std::string_view member, SignedJson& out)
{
  const std::string_view key = TRY(in.string());
  TRY(in.want(':'));
  if (key == member && out.text.empty()) {
    out.text = TRY(in.object());
    return ok();
  }
  if (key == "signature" && out.signature.empty()) {
    out.signature = TRY(parse_signature_hex(TRY(in.string())));
    return ok();
  }
  return fail(Errc::malformed, "unexpected member, or one given twice (want {} and signature)",
              member);
}

Result<SignedJson> split(std::string_view body, std::string_view member)
{
  Scanner in{body};
  SignedJson out;
  TRY(in.want('{'));
  TRY(read_member(in, member, out));
  TRY(in.want(','));
  TRY(read_member(in, member, out));
  TRY(in.want('}'));
  in.skip_blank();
  if (!in.at_end()) return fail(Errc::malformed, "text after the object");
  return out;
}

} // namespace

Result<Bytes> parse_signature_hex(std::string_view text)
{
  constexpr std::size_t digits = 128;
  if (text.size() != digits)
    return fail(Errc::malformed, "signature of {} characters (want {} hex digits)", text.size(),
                digits);
  return parse_hex(text).within("signature");
}

Result<SignedJson> split_signed_json(std::string_view body, std::string_view member)
{
  if (body.size() > max_signed_json)
    return fail(Errc::malformed, "document of {} bytes (limit {})", body.size(), max_signed_json);
  return split(body, member).within("signed document '{}'", member);
}

} // namespace dstack::dcap
