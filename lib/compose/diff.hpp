#pragma once
/// What changes between two apps, as plain data.

#include "compose/app_compose.hpp"

namespace dstack::compose {

enum class LineKind { same, removed, added };

struct LineChange {
  LineKind kind = LineKind::same;
  std::string text; ///< without line end
};

struct FieldChange {
  std::string field; ///< path like "requirements.os_version"
  std::optional<codec::Json> before;
  std::optional<codec::Json> after;
};

struct FileChange {
  std::string path;
  std::vector<LineChange> lines;
};

struct AppDiff {
  std::vector<FieldChange> fields; ///< all but the compose text and environment files
  std::vector<LineChange> compose; ///< empty when the text is the same
  std::vector<FileChange> env_files;

  bool empty() const { return fields.empty() && compose.empty() && env_files.empty(); }
};

/// Shortest line difference, all lines listed in order. Texts of more than max_diff_lines differing
/// lines are listed as removed, then added.
inline constexpr std::size_t max_diff_lines = 4000;
std::vector<LineChange> diff_lines(std::string_view before, std::string_view after);
/// The lines with at most context unchanged ones around each change.
std::vector<LineChange> with_context(const std::vector<LineChange>& lines, std::size_t context);
AppDiff diff_apps(const AppCompose& before, const AppCompose& after);

} // namespace dstack::compose
