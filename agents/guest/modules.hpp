#pragma once
/// Kernel modules, loaded by ourselves: starting modprobe for each costs more than the loading.

#include "base/bytes.hpp"

#include <map>
#include <vector>

namespace dstack::guest {

/// Module name (with '_' for '-') -> its file and what must be loaded before it, in order.
struct ModuleFiles {
  std::string file;
  std::vector<std::string> first;
};

/// modules.dep as depmod writes it: "file: dependency dependency…", nearest dependency first.
Result<std::map<std::string, ModuleFiles>> parse_modules_dep(std::string_view text);

/// Loads the modules that the running kernel's directory has; what is built in or does not fit this
/// machine (ENODEV) is passed over. The first other failure is returned after all were tried.
Status load_modules(const std::vector<std::string>& names);

} // namespace dstack::guest
