#include "report/plain.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace dstack::report {

namespace {

constexpr std::string_view replacement = "\xef\xbf\xbd"; // U+FFFD

/// Length of the UTF-8 sequence at the front, 0 when it is not valid.
std::size_t sequence_length(std::string_view text)
{
  constexpr std::size_t longest = 4;
  for (std::size_t n = 1; n <= std::min(longest, text.size()); ++n)
    if (is_utf8(text.substr(0, n))) return n;
  return 0;
}

/// Line ends, direction changes and noncharacters, by their three bytes of UTF-8.
bool is_unruly(std::string_view c)
{
  const bool lines = c == "\u2028" || c == "\u2029";
  const bool marks = c == "\u200e" || c == "\u200f" || (c >= "\u202a" && c <= "\u202e") ||
                     (c >= "\u2066" && c <= "\u2069");
  const bool noncharacters = c == "\uffff" || c == "\xef\xbf\xbe";
  return c.size() == 3 && (lines || marks || noncharacters);
}

template <class Replace> std::string rewrite(std::string_view text, const Replace& replace)
{
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    out += length == 0 ? replacement : replace(text.substr(0, length));
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

} // namespace

std::string one_line(std::string_view text)
{
  const std::string shown = printable(text);
  return rewrite(shown, [](std::string_view c) -> std::string_view {
    if (c == "\n" || c == "\t") return " ";
    return is_unruly(c) ? replacement : c;
  });
}

std::string valid_utf8(std::string_view text)
{
  if (is_utf8(text)) return std::string{text};
  return rewrite(text, [](std::string_view c) { return c; });
}

} // namespace dstack::report
