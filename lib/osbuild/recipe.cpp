#include "osbuild/recipe.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <fnmatch.h>
#include <functional>

namespace dstack::osbuild {

namespace {

using Words = std::vector<std::string>;

Words words_of(std::string_view line)
{
  Words out;
  for (const std::string_view word : split(line, ' '))
    if (!trim(word).empty()) out.emplace_back(trim(word));
  return out;
}

/// Calls read for every line that says something.
Status each_line(std::string_view text, const std::function<Status(const Words&)>& read)
{
  std::size_t number = 0;
  for (const std::string_view line : split(text, '\n')) {
    ++number;
    const Words words = words_of(line);
    if (words.empty() || words.front().starts_with('#')) continue;
    TRY(read(words).within("line {}", number));
  }
  return ok();
}

Status check_path(const std::string& path)
{
  for (const std::string_view part : split(path, '/'))
    if (part.empty() || part == "." || part == "..")
      return fail(Errc::malformed, "\"{}\" is no path inside the root file system", path);
  return ok();
}

Result<unsigned> parse_mode(const std::string& text)
{
  constexpr unsigned most = 07777;
  unsigned mode = 0;
  for (const char c : text) {
    if (c < '0' || c > '7' || mode > most)
      return fail(Errc::malformed, "mode \"{}\" is not octal", text);
    mode = mode * 8 + static_cast<unsigned>(c - '0');
  }
  if (text.empty() || mode > most) return fail(Errc::malformed, "mode \"{}\" is not octal", text);
  return mode;
}

Status read_rule(Rules& rules, const Words& words)
{
  const std::string& kind = words.front();
  if (kind == "keep" || kind == "drop") {
    if (words.size() < 2) return fail(Errc::malformed, "{} what?", kind);
    (kind == "keep" ? rules.keep : rules.drop).push_back(words[1]);
    return ok();
  }
  if (words.size() != 3) return fail(Errc::malformed, "\"{}\" (want two words after it)", kind);
  TRY(check_path(words[1]));
  if (kind == "dir") {
    const auto mode = TRY(parse_mode(words[2]));
    rules.directories.push_back({words[1], mode});
  } else if (kind == "link") {
    rules.links.push_back({words[1], words[2]});
  } else if (kind == "join") {
    rules.joins.push_back({words[1], words[2]});
  } else {
    return fail(Errc::malformed, "\"{}\" (want keep, drop, dir, link or join)", kind);
  }
  return ok();
}

} // namespace

bool matches(const std::string& glob, const std::string& path)
{
  return ::fnmatch(glob.c_str(), path.c_str(), 0) == 0;
}

bool matches_any(const std::vector<std::string>& globs, const std::string& path)
{
  return std::any_of(globs.begin(), globs.end(),
                     [&](const std::string& glob) { return matches(glob, path); });
}

bool Rules::takes(const std::string& path) const
{
  return matches_any(keep, path) && !matches_any(drop, path);
}

Result<Rules> parse_rules(std::string_view text)
{
  Rules rules;
  TRY(each_line(text, [&](const Words& words) { return read_rule(rules, words); }));
  return rules;
}

Result<ModuleList> parse_modules_list(std::string_view text)
{
  ModuleList list;
  TRY(each_line(text, [&](const Words& words) -> Status {
    if (words.size() != 2 || (words[0] != "initramfs" && words[0] != "rootfs"))
      return fail(Errc::malformed, "want \"initramfs NAME\" or \"rootfs GLOB\"");
    (words[0] == "initramfs" ? list.initramfs : list.rootfs).push_back(words[1]);
    return ok();
  }));
  return list;
}

Result<std::string> parse_cmdline(std::string_view text)
{
  std::vector<std::string> all;
  TRY(each_line(text, [&](const Words& words) -> Status {
    all.insert(all.end(), words.begin(), words.end());
    return ok();
  }));
  if (all.empty()) return fail(Errc::malformed, "no words");
  return join(all, " ");
}

Result<std::string> parse_version(std::string_view os_release)
{
  constexpr std::string_view key = "VERSION_ID=";
  for (const std::string_view line : split(os_release, '\n'))
    if (line.starts_with(key) && line.size() > key.size())
      return std::string{line.substr(key.size())};
  return fail(Errc::malformed, "no VERSION_ID");
}

} // namespace dstack::osbuild
