#pragma once
/// Text of unknown origin made safe to place inside a document of ours.

#include <string>
#include <string_view>

namespace dstack::report {

/// One line: no controls, no invalid UTF-8, no characters that reorder what surrounds them, and
/// nothing that XML 1.0 cannot hold (section 2.2).
std::string one_line(std::string_view text);

/// Valid UTF-8, for JSON: what is not becomes U+FFFD. Controls stay, JSON escapes them.
std::string valid_utf8(std::string_view text);

} // namespace dstack::report
