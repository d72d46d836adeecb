#include "cli/context.hpp"

#include "sys/clock.hpp"

#include <array>
#include <system_error>
#include <unistd.h>

namespace dstack::cli {

namespace {

Result<sys::fs::path> own_directory()
{
  std::error_code code;
  const sys::fs::path self = sys::fs::read_symlink("/proc/self/exe", code);
  if (code) return fail(Errc::internal, "read /proc/self/exe: {}", code.message());
  return self.parent_path();
}

} // namespace

Context::Context(const Tree& tree, Globals globals, Console& console, Environment environment)
    : tree_(tree), globals_(std::move(globals)), console_(console),
      environment_(std::move(environment)), dirs_(sys::directories(environment_))
{
}

Time Context::now() const
{
  return sys::now();
}

Result<sys::fs::path> Context::helper(std::string_view name) const
{
  const sys::fs::path path =
      TRY(own_directory()).parent_path() / "libexec" / "dstack" / std::string{name};
  if (::access(path.c_str(), X_OK) != 0)
    return fail(Errc::not_found,
                "{} is missing\nthe installation is incomplete: build or install dstack again",
                path.string());
  return path;
}

Result<sys::fs::path> Context::shared_data(std::string_view name) const
{
  const sys::fs::path base = TRY(own_directory()).parent_path();
  const std::array<sys::fs::path, 2> places{base / "share" / "dstack" / std::string{name},
                                            sys::fs::path{DSTACK_SOURCE_DIR} / std::string{name}};
  for (const sys::fs::path& place : places) {
    std::error_code code;
    if (sys::fs::exists(place, code)) return place;
  }
  return fail(Errc::not_found, "{} is neither in {} nor in {}", name, places[0].string(),
              places[1].string());
}

bool Context::may_ask() const
{
  return !globals_.no_input && !globals_.json && env("CI").empty() && isatty(STDIN_FILENO) == 1 &&
         isatty(STDERR_FILENO) == 1;
}

bool Context::confirm(std::string_view question)
{
  console_.raw_error(fmt::format("{} [y/N] ", question));
  std::array<char, 64> answer{};
  const ssize_t got = ::read(STDIN_FILENO, answer.data(), answer.size());
  if (got <= 0) return false;
  const std::string word =
      lower(trim(std::string_view{answer.data(), static_cast<std::size_t>(got)}));
  return word == "y" || word == "yes";
}

} // namespace dstack::cli
