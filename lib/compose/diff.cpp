#include "compose/diff.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <set>

namespace dstack::compose {

using codec::Json;

namespace {

using Lines = std::vector<std::string_view>;

Lines lines_of(std::string_view text)
{
  if (text.empty()) return {};
  if (text.ends_with('\n')) text.remove_suffix(1);
  return split(text, '\n');
}

void add(std::vector<LineChange>& out, LineKind kind, std::string_view text)
{
  out.push_back({kind, std::string{text}});
}

/// Longest common subsequence by table; the caller bounds both sides.
void diff_middle(const Lines& before, const Lines& after, std::vector<LineChange>& out)
{
  const std::size_t width = after.size() + 1;
  std::vector<std::uint16_t> common((before.size() + 1) * width, 0);
  for (std::size_t i = before.size(); i-- > 0;)
    for (std::size_t j = after.size(); j-- > 0;)
      common[i * width + j] =
          before[i] == after[j] ? static_cast<std::uint16_t>(common[(i + 1) * width + j + 1] + 1)
                                : std::max(common[(i + 1) * width + j], common[i * width + j + 1]);
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < before.size() || j < after.size()) {
    if (i < before.size() && j < after.size() && before[i] == after[j]) {
      add(out, LineKind::same, before[i++]);
      ++j;
    } else if (i < before.size() &&
               (j == after.size() || common[(i + 1) * width + j] >= common[i * width + j + 1])) {
      add(out, LineKind::removed, before[i++]);
    } else {
      add(out, LineKind::added, after[j++]);
    }
  }
}

void diff_fields(const std::string& path,
                 const Json* before,
                 const Json* after,
                 std::vector<FieldChange>& out)
{
  if (before != nullptr && after != nullptr && *before == *after) return;
  const bool objects =
      before != nullptr && after != nullptr && before->is_object() && after->is_object();
  if (!objects) {
    FieldChange change;
    change.field = path;
    if (before != nullptr) change.before = *before;
    if (after != nullptr) change.after = *after;
    out.push_back(std::move(change));
    return;
  }
  std::set<std::string> keys;
  for (const Json* side : {before, after})
    for (const auto& [key, value] : side->members())
      keys.insert(key);
  for (const std::string& key : keys) {
    if (path.empty() && (key == "docker_compose_file" || key == "env_files")) continue;
    diff_fields(path.empty() ? key : path + "." + key, before->find(key), after->find(key), out);
  }
}

std::string file_text(const AppCompose& app, const std::string& path)
{
  const auto found = app.env_files.find(path);
  return found == app.env_files.end() ? std::string{} : found->second;
}

} // namespace

std::vector<LineChange> diff_lines(std::string_view before, std::string_view after)
{
  Lines a = lines_of(before);
  Lines b = lines_of(after);
  const auto [same_a, same_b] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  const auto head = static_cast<std::size_t>(same_a - a.begin());
  std::size_t tail = 0;
  while (tail < a.size() - head && tail < b.size() - head &&
         a[a.size() - 1 - tail] == b[b.size() - 1 - tail])
    ++tail;
  const auto middle = [&](const Lines& lines) {
    return Lines(lines.begin() + static_cast<std::ptrdiff_t>(head),
                 lines.end() - static_cast<std::ptrdiff_t>(tail));
  };
  std::vector<LineChange> out;
  for (std::size_t i = 0; i < head; ++i)
    add(out, LineKind::same, a[i]);
  const Lines middle_a = middle(a);
  const Lines middle_b = middle(b);
  if (middle_a.size() <= max_diff_lines && middle_b.size() <= max_diff_lines) {
    diff_middle(middle_a, middle_b, out);
  } else {
    for (const auto line : middle_a)
      add(out, LineKind::removed, line);
    for (const auto line : middle_b)
      add(out, LineKind::added, line);
  }
  for (std::size_t i = a.size() - tail; i < a.size(); ++i)
    add(out, LineKind::same, a[i]);
  return out;
}

std::vector<LineChange> with_context(const std::vector<LineChange>& lines, std::size_t context)
{
  std::vector<bool> keep(lines.size(), false);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].kind == LineKind::same) continue;
    const std::size_t from = i > context ? i - context : 0;
    const std::size_t to = std::min(lines.size() - 1, i + context);
    for (std::size_t k = from; k <= to; ++k)
      keep[k] = true;
  }
  std::vector<LineChange> out;
  for (std::size_t i = 0; i < lines.size(); ++i)
    if (keep[i]) out.push_back(lines[i]);
  return out;
}

AppDiff diff_apps(const AppCompose& before, const AppCompose& after)
{
  AppDiff out;
  diff_fields("", &before.json, &after.json, out.fields);
  const std::string old_text = before.docker_compose_file.value_or("");
  const std::string new_text = after.docker_compose_file.value_or("");
  if (old_text != new_text) out.compose = diff_lines(old_text, new_text);
  std::set<std::string> paths;
  for (const auto& [path, text] : before.env_files)
    paths.insert(path);
  for (const auto& [path, text] : after.env_files)
    paths.insert(path);
  for (const std::string& path : paths) {
    const std::string old_file = file_text(before, path);
    const std::string new_file = file_text(after, path);
    if (old_file != new_file) out.env_files.push_back({path, diff_lines(old_file, new_file)});
  }
  return out;
}

} // namespace dstack::compose
