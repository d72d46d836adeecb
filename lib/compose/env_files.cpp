#include "compose/env_files.hpp"

#include "base/text.hpp"
#include "compose/project.hpp"

namespace dstack::compose {

namespace {

constexpr std::size_t max_path_bytes = 255;
constexpr std::size_t max_env_files = 64;

} // namespace

Status check_relative_path(std::string_view path)
{
  if (path.empty()) return fail(Errc::malformed, "an empty path");
  if (path.size() > max_path_bytes)
    return fail(Errc::malformed, "a path of {} bytes (limit {})", path.size(), max_path_bytes);
  if (path.front() == '/') return fail(Errc::malformed, "'{}' is absolute", printable(path));
  for (const char c : path)
    if (static_cast<unsigned char>(c) < 0x20 || c == '\\' || c == 0x7f)
      return fail(Errc::malformed, "'{}' holds a control character or '\\'", printable(path));
  for (const std::string_view part : split(path, '/'))
    if (part.empty() || part == "." || part == "..")
      return fail(Errc::malformed, "'{}' is not a plain path below the project", printable(path));
  return ok();
}

Status check_env_files(const std::map<std::string, std::string>& files)
{
  if (files.size() > max_env_files)
    return fail(Errc::malformed, "{} files (limit {})", files.size(), max_env_files);
  std::size_t total = 0;
  for (const auto& [path, text] : files) {
    TRY(check_relative_path(path));
    if (text.size() > max_env_file_bytes)
      return fail(Errc::malformed, "{}: {} bytes (limit {})", path, text.size(),
                  max_env_file_bytes);
    if (!is_utf8(text)) return fail(Errc::malformed, "{}: not UTF-8", path);
    total += text.size();
  }
  if (total > max_env_files_bytes)
    return fail(Errc::malformed, "{} bytes together (limit {})", total, max_env_files_bytes);
  return ok();
}

Result<std::map<std::string, std::string>> parse_env_files(const codec::Json& value)
{
  if (!value.is_object()) return fail(Errc::malformed, "not an object");
  std::map<std::string, std::string> files;
  for (const auto& [path, text] : value.members())
    files[path] = TRY(text.as_string().within("{}", printable(path)));
  TRY(check_env_files(files));
  for (const auto& [path, text] : files) {
    const auto below = files.lower_bound(path + "/");
    if (below != files.end() && below->first.starts_with(path + "/"))
      return fail(Errc::malformed, "'{}' is a file and a directory", path);
    if (path == "docker-compose.yaml")
      return fail(Errc::malformed, "'{}' is the name of the compose file itself", path);
  }
  return files;
}

} // namespace dstack::compose
