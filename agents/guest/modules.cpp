#include "guest/modules.hpp"

#include "base/text.hpp"
#include "sys/files.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <set>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace dstack::guest {

namespace {

constexpr std::size_t max_modules_dep = std::size_t{2} << 20U;

std::string module_name(std::string_view file)
{
  std::string_view base = file.substr(file.rfind('/') + 1);
  base = base.substr(0, base.find(".ko"));
  std::string out{base};
  std::replace(out.begin(), out.end(), '-', '_');
  return out;
}

Status load_file(const std::string& path)
{
  const sys::Fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file) return sys::errno_error("open " + path);
  if (::syscall(SYS_finit_module, file.get(), "", 0) == 0) return ok();
  if (errno == EEXIST || errno == ENODEV) return ok();
  return sys::errno_error("load " + path);
}

} // namespace

Result<std::map<std::string, ModuleFiles>> parse_modules_dep(std::string_view text)
{
  std::map<std::string, ModuleFiles> out;
  for (const std::string_view line : split(text, '\n')) {
    if (trim(line).empty()) continue;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos)
      return fail(Errc::malformed, "modules.dep line \"{}\" without a colon", printable(line));
    ModuleFiles entry{std::string{line.substr(0, colon)}, {}};
    for (const std::string_view word : split(line.substr(colon + 1), ' '))
      if (!word.empty()) entry.first.emplace_back(word);
    std::reverse(entry.first.begin(), entry.first.end());
    out[module_name(entry.file)] = std::move(entry);
  }
  return out;
}

Status load_modules(const std::vector<std::string>& names)
{
  utsname kernel{};
  if (::uname(&kernel) != 0) return sys::errno_error("uname");
  const std::string root = fmt::format("/usr/lib/modules/{}/", kernel.release);
  const auto known =
      TRY(parse_modules_dep(TRY(sys::read_text(root + "modules.dep", max_modules_dep))));
  std::set<std::string> done;
  Status result = ok();
  const auto load = [&](const std::string& file) {
    if (!done.insert(file).second) return;
    Status loaded = load_file(root + file);
    if (!loaded && result) result = std::move(loaded);
  };
  for (const std::string& name : names) {
    const auto at = known.find(module_name(name));
    if (at == known.end()) continue;
    for (const std::string& file : at->second.first)
      load(file);
    load(at->second.file);
  }
  return result;
}

} // namespace dstack::guest
