#pragma once
/// Everything the command line prints goes through here: results on stdout, the rest on stderr.

#include "codec/json.hpp"

#include <cstdio>
#include <functional>
#include <string>
#include <string_view>

namespace dstack::cli {

enum class Tone { plain, good, warn, bad, dim, bold };

struct ConsoleStyle {
  bool json = false;
  bool quiet = false;
  bool verbose = false;
  bool out_colour = false;
  bool err_colour = false;
  bool err_live = false; ///< stderr is a terminal that can redraw a line
  std::size_t width = 80;
};

class Console {
public:
  Console(std::FILE* out, std::FILE* err, const ConsoleStyle& style)
      : out_(out), err_(err), style_(style)
  {
  }

  const ConsoleStyle& style() const { return style_; }
  /// The reader of stdout went away: an endless stream should end.
  bool broken() const { return broken_; }
  bool json() const { return style_.json; }

  /// A line of the result, for people; not printed with --json.
  void line(std::string_view text);
  /// Result text exactly as given (streams, help); printed also with --json.
  void raw(std::string_view text);
  /// The one document of --json (pretty), or one line of a JSON stream.
  void document(const codec::Json& value);
  void json_line(const codec::Json& value);

  /// Progress and remarks, on stderr; silent with --quiet.
  void note(std::string_view text);
  /// As note, only with --verbose.
  void detail(std::string_view text);
  void warn(std::string_view text);
  /// The last word of a failing command. Lines after the first are advice.
  void error(const Error& error);
  /// Text on stderr as it is (help after misuse, questions).
  void raw_error(std::string_view text);

  std::string paint_out(Tone tone, std::string_view text) const;
  std::string paint_err(Tone tone, std::string_view text) const;

  /// Replaces the live line of stderr; erased by the next output. No effect when not a terminal.
  void live(std::string_view text);
  void clear_live();

private:
  void put(std::FILE* to, std::string_view text);

  std::FILE* out_;
  std::FILE* err_;
  ConsoleStyle style_;
  bool live_shown_ = false;
  bool broken_ = false;
};

/// How to print, from the streams, the environment and the options.
ConsoleStyle console_style(std::string_view color,
                           const std::function<std::string(const char*)>& environment);

} // namespace dstack::cli
