#include "osbuild/modules.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <set>

namespace dstack::osbuild {

namespace {

std::string with_underscores(std::string_view name)
{
  std::string out{name};
  std::replace(out.begin(), out.end(), '-', '_');
  return out;
}

void add_once(std::vector<std::string>& names, const std::string& name)
{
  if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
}

void add_with_needs(std::vector<std::string>& names,
                    const std::string& name,
                    const Modules& modules)
{
  for (const std::string& need : modules.at(name).needs)
    add_once(names, need);
  add_once(names, name);
}

} // namespace

std::string module_name(std::string_view path)
{
  const std::string_view base = path.substr(path.rfind('/') + 1);
  return with_underscores(base.substr(0, base.find(".ko")));
}

Result<Modules> parse_modules_dep(std::string_view text)
{
  Modules out;
  for (const std::string_view line : split(text, '\n')) {
    if (trim(line).empty()) continue;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos)
      return fail(Errc::malformed, "\"{}\" without a colon", printable(line));
    Module module;
    module.path = std::string{line.substr(0, colon)};
    for (const std::string_view need : split(line.substr(colon + 1), ' '))
      if (!need.empty()) module.needs.push_back(module_name(need));
    // depmod writes what is to be loaded last first.
    std::reverse(module.needs.begin(), module.needs.end());
    out[module_name(module.path)] = std::move(module);
  }
  for (const auto& [name, module] : out)
    for (const std::string& need : module.needs)
      if (!out.contains(need)) return fail(Errc::malformed, "{} needs {}, unknown", name, need);
  return out;
}

Result<Selection> select_modules(const ModuleList& list, const Modules& modules)
{
  Selection out;
  for (const std::string& wanted : list.initramfs) {
    const std::string name = with_underscores(wanted);
    if (!modules.contains(name))
      return fail(Errc::not_found, "this kernel has no module \"{}\"", wanted);
    add_with_needs(out.load_order, name, modules);
  }
  std::vector<std::string> all = out.load_order;
  for (const std::string& glob : list.rootfs) {
    const std::size_t before = all.size();
    bool found = false;
    for (const auto& [name, module] : modules) {
      if (!matches(with_underscores(glob), name)) continue;
      found = true;
      add_with_needs(all, name, modules);
    }
    if (!found && all.size() == before)
      return fail(Errc::not_found, "this kernel has no module \"{}\"", glob);
  }
  std::sort(all.begin(), all.end());
  out.all = std::move(all);
  return out;
}

} // namespace dstack::osbuild
