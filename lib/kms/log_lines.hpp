#pragma once
/// Lines of the logs: JSON objects whose last member is made over the bytes before it.

#include "base/bytes.hpp"

#include <functional>
#include <optional>

namespace dstack::kms {

/// How a log file ends. A line is written with its line feed in one go; a machine that stops in
/// between leaves part of it.
struct LinesEnd {
  std::size_t whole = 0; ///< bytes of good lines: cut the file here before the next line
  std::size_t torn = 0;  ///< bytes after them, part of no line
  /// The last good line lacks its line feed: write one before the next line.
  bool unended = false;
};

/// Calls next with each line. What stands after the last line feed counts when next takes it, else
/// it is torn. Errors name the line, counted from 1.
Result<LinesEnd> each_line(std::string_view text,
                           const std::function<Status(std::string_view)>& next);

/// "{…,"NAME":"HEX"}" in its parts.
struct SealedLine {
  std::string body{}; ///< the object without its last member
  Bytes seal{};
};
/// The object with its last member added.
std::string sealed(std::string_view body, std::string_view name, ByteView seal);
/// Nothing when the line does not end in such a member of that many bytes, in lower case.
std::optional<SealedLine>
unsealed(std::string_view line, std::string_view name, std::size_t seal_size);

} // namespace dstack::kms
