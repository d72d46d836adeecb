#include "base/text.hpp"
#include "compose/project.hpp"

/// Variable interpolation of the compose specification, as compose-go does it: a '$' that starts no
/// variable stays, "$$" is one '$', "${" must be closed.

namespace dstack::compose {

namespace {

constexpr int max_nesting = 16;
constexpr std::size_t max_expanded_bytes = std::size_t{1} << 20U;

bool starts_name(char c)
{
  return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool in_name(char c)
{
  return starts_name(c) || (c >= '0' && c <= '9');
}

std::size_t name_end(std::string_view text, std::size_t from)
{
  if (from >= text.size() || !starts_name(text[from])) return from;
  while (from < text.size() && in_name(text[from]))
    ++from;
  return from;
}

class Expansion {
public:
  explicit Expansion(const Variables& variables) : variables_(variables) {}

  Result<std::string> run(std::string_view text, int nesting) const
  {
    if (nesting > max_nesting) return fail(Errc::malformed, "variables nested too deep");
    std::string out;
    std::size_t i = 0;
    while (i < text.size()) {
      const char next = i + 1 < text.size() ? text[i + 1] : ' ';
      if (text[i] != '$' || (next != '$' && next != '{' && !starts_name(next))) {
        out += text[i++];
      } else if (next == '$') {
        out += '$';
        i += 2;
      } else if (next == '{') {
        const std::size_t close = TRY(closing_brace(text, i));
        out += TRY(braced(text.substr(i + 2, close - i - 2), nesting));
        i = close + 1;
      } else {
        const std::size_t end = name_end(text, i + 1);
        out += TRY(value_of(text.substr(i + 1, end - i - 1)));
        i = end;
      }
      if (out.size() > max_expanded_bytes)
        return fail(Errc::malformed, "more than {} bytes after expansion", max_expanded_bytes);
    }
    return out;
  }

private:
  static Result<std::size_t> closing_brace(std::string_view text, std::size_t from)
  {
    int open = 0;
    for (std::size_t i = from; i < text.size(); ++i) {
      if (text[i] == '$' && i + 1 < text.size() && text[i + 1] == '{') ++open;
      if (text[i] == '}' && --open == 0) return i;
    }
    return fail(Errc::malformed, "'${{' without '}}' (write $$ for a plain dollar sign)");
  }

  Result<std::string> value_of(std::string_view name) const
  {
    const auto found = variables_.find(std::string{name});
    if (found != variables_.end()) return found->second;
    return fail(Errc::malformed,
                "variable {0} is not set; set it in the project's .env file, give a default "
                "(${{{0}:-value}}), or write $${0} to leave it to the container",
                name);
  }

  Result<std::string> braced(std::string_view inside, int nesting) const
  {
    const std::size_t end = name_end(inside, 0);
    const std::string_view name = inside.substr(0, end);
    std::string_view rest = inside.substr(end);
    if (name.empty()) return bad(inside);
    if (rest.empty()) return value_of(name);
    const bool or_empty = rest.front() == ':';
    if (or_empty) rest.remove_prefix(1);
    if (rest.empty()) return bad(inside);
    const char action = rest.front();
    const std::string_view word = rest.substr(1);
    const auto found = variables_.find(std::string{name});
    const bool present = found != variables_.end() && !(or_empty && found->second.empty());
    switch (action) {
    case '-':
      return present ? Result<std::string>{found->second} : run(word, nesting + 1);
    case '+':
      return present ? run(word, nesting + 1) : Result<std::string>{std::string{}};
    case '?':
      if (present) return found->second;
      return fail(Errc::malformed, "variable {} is required: {}", name, printable(word));
    default:
      return bad(inside);
    }
  }

  static Error bad(std::string_view inside)
  {
    return fail(Errc::malformed, "'${{{}}}' is no variable (write $$ for a plain dollar sign)",
                printable(inside));
  }

  const Variables& variables_;
};

} // namespace

Result<std::string> interpolate(std::string_view text, const Variables& variables)
{
  return Expansion{variables}.run(text, 0);
}

} // namespace dstack::compose
