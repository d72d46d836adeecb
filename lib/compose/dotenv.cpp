#include "base/text.hpp"
#include "compose/project.hpp"

#include <algorithm>

/// The .env file as compose-go reads it, without what would come from outside the file: a name
/// without '=' (inherited from the environment) is refused.

namespace dstack::compose {

namespace {

class Reader {
public:
  Reader(std::string_view text, std::string_view file) : text_(text), file_(file) {}

  Result<Variables> run()
  {
    Variables out;
    while (skip_blank_and_comments()) {
      const std::size_t line = line_;
      const std::string name = TRY(read_name());
      out[name] = TRY(read_value(out).within("{}:{}: {}", file_, line, name));
    }
    return out;
  }

private:
  bool done() const { return at_ >= text_.size(); }

  void step()
  {
    if (text_[at_] == '\n') ++line_;
    ++at_;
  }

  void skip(std::string_view set)
  {
    while (!done() && set.find(text_[at_]) != std::string_view::npos)
      step();
  }

  bool skip_blank_and_comments()
  {
    for (;;) {
      skip(" \t\r\n");
      if (done() || text_[at_] != '#') return !done();
      while (!done() && text_[at_] != '\n')
        step();
    }
  }

  Result<std::string> read_name()
  {
    if (text_.substr(at_).starts_with("export ")) at_ += 7;
    skip(" \t");
    const std::size_t start = at_;
    const auto named = [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
             c == '_' || c == '.' || c == '-';
    };
    while (!done() && named(text_[at_]))
      step();
    std::string name{text_.substr(start, at_ - start)};
    skip(" \t");
    if (name.empty() || done() || (text_[at_] != '=' && text_[at_] != ':'))
      return fail(Errc::malformed, "{}:{}: not NAME=VALUE", file_, line_);
    step();
    skip(" \t");
    return name;
  }

  Result<std::string> read_value(const Variables& known)
  {
    if (!done() && text_[at_] == '\'') return single_quoted();
    if (!done() && text_[at_] == '"') return interpolate(TRY(double_quoted()), known);
    const std::size_t start = at_;
    while (!done() && text_[at_] != '\n')
      step();
    // A comment starts at a '#' after a blank; right after the '=' it belongs to the value.
    std::string_view value = text_.substr(start, at_ - start);
    for (std::size_t i = 1; i < value.size(); ++i)
      if (value[i] == '#' && (value[i - 1] == ' ' || value[i - 1] == '\t'))
        value = value.substr(0, i);
    return interpolate(trim(value), known);
  }

  Result<std::string> single_quoted()
  {
    step();
    const std::size_t start = at_;
    while (!done() && text_[at_] != '\'')
      step();
    if (done()) return fail(Errc::malformed, "the quote is not closed");
    const std::string_view value = text_.substr(start, at_ - start);
    if (value.ends_with('\\'))
      return fail(Errc::malformed, "\\' cannot be written in single quotes");
    step();
    TRY(after_quote());
    return std::string{value};
  }

  Result<std::string> double_quoted()
  {
    step();
    std::string out;
    for (; !done() && text_[at_] != '"'; step()) {
      if (text_[at_] != '\\') {
        out += text_[at_];
        continue;
      }
      step();
      if (done()) break;
      constexpr std::string_view from = "nrt\"\\";
      constexpr std::string_view to = "\n\r\t\"\\";
      const std::size_t known = from.find(text_[at_]);
      if (text_[at_] == '$')
        out += "$$"; // taken back to one by the interpolation that follows
      else if (known != std::string_view::npos)
        out += to[known];
      else
        return fail(Errc::malformed, "unknown escape '\\{}' in double quotes",
                    printable(text_.substr(at_, 1)));
    }
    if (done()) return fail(Errc::malformed, "the quote is not closed");
    step();
    TRY(after_quote());
    return out;
  }

  Status after_quote()
  {
    skip(" \t\r");
    if (done() || text_[at_] == '\n' || text_[at_] == '#') return ok();
    return fail(Errc::malformed, "text after the closing quote");
  }

  std::string_view text_;
  std::string_view file_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
};

} // namespace

Result<Variables> parse_dotenv(std::string_view text, std::string_view file_name)
{
  if (text.size() > max_env_file_bytes)
    return fail(Errc::malformed, "{}: {} bytes (limit {})", file_name, text.size(),
                max_env_file_bytes);
  if (!is_utf8(text)) return fail(Errc::malformed, "{}: not UTF-8", file_name);
  return Reader{text, file_name}.run();
}

} // namespace dstack::compose
