#include "cli/deploy/compose_files.hpp"

#include "base/text.hpp"
#include "compose/app_compose.hpp"

#include <algorithm>
#include <array>
#include <system_error>
#include <unistd.h>

namespace dstack::cli {

namespace {

constexpr std::size_t head_bytes = 1024;
constexpr std::array usual_names{"compose.yaml", "compose.yml", "docker-compose.yaml",
                                 "docker-compose.yml"};

Result<sys::fs::path> usual_file(const sys::fs::path& directory)
{
  for (const char* name : usual_names) {
    std::error_code code;
    const sys::fs::path path = directory / name;
    if (sys::fs::is_regular_file(path, code)) return path;
  }
  return fail(Errc::not_found,
              "no compose.yaml in {}\nname a compose file, or make one with 'dstack app init'",
              directory.empty() ? "the current directory" : directory.string());
}

/// Compose's rule for project names: lower case, digits, "-" and "_", starting with a letter or
/// digit.
std::string project_name(std::string_view text)
{
  std::string out;
  for (const char c : lower(text)) {
    const bool alphanumeric = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (alphanumeric || (!out.empty() && (c == '-' || c == '_'))) out += c;
  }
  return out.empty() ? "app" : out;
}

Result<std::string> read_beside(const sys::fs::path& directory, const std::string& name)
{
  return sys::read_text(directory / name, compose::max_env_file_bytes);
}

} // namespace

Result<SourceFile> open_source(const std::string& word)
{
  SourceFile out;
  if (word == "-") {
    out.name = "standard input";
    out.head = to_text(TRY(sys::read_to_end(STDIN_FILENO, compose::max_app_compose_bytes)));
    return out;
  }
  std::error_code code;
  if (word.empty())
    out.path = TRY(usual_file(""));
  else if (sys::fs::is_directory(word, code))
    out.path = TRY(usual_file(word));
  else
    out.path = word;
  out.name = out.path.string();
  const sys::Fd fd = TRY(sys::open_read(out.path));
  out.head = to_text(TRY(sys::read_some(fd.get(), head_bytes)));
  return out;
}

Result<std::string> read_source(const SourceFile& file)
{
  if (file.path.empty()) return file.head;
  return sys::read_text(file.path, compose::max_app_compose_bytes);
}

Result<ComposeFiles> read_compose_files(const SourceFile& file,
                                        const std::string& text,
                                        const std::vector<std::string>& encrypted)
{
  ComposeFiles out;
  out.name = file.name;
  out.text = text;
  const sys::fs::path absolute = sys::fs::absolute(file.path.empty() ? "stdin" : file.path);
  const sys::fs::path directory = absolute.parent_path();
  out.directory_name = file.path.empty() ? "app" : project_name(directory.filename().string());

  compose::ReadOptions options;
  options.encrypted = encrypted;
  options.file_name = file.path.empty() ? file.name : file.path.filename().string();
  const auto dotenv = read_beside(directory, ".env");
  if (dotenv) options.variables = TRY(compose::parse_dotenv(*dotenv, ".env"));
  if (!dotenv && dotenv.error().code() != Errc::not_found) return dotenv.error();
  out.project = TRY(compose::read_project(text, options));
  for (const auto& [path, required] : compose::needed_files(out.project)) {
    auto content = read_beside(directory, path);
    if (content) {
      out.env_files[path] = std::move(*content);
      continue;
    }
    if (!required && content.error().code() == Errc::not_found) continue;
    return std::move(content).within("environment file '{}'", path).error();
  }
  TRY(compose::check_env_files(out.env_files));
  return out;
}

} // namespace dstack::cli
