#pragma once
/// Which kernel modules the image gets, and in which order the initramfs loads them.

#include "osbuild/recipe.hpp"

#include <map>

namespace dstack::osbuild {

/// One line of depmod's modules.dep; paths are relative to the module directory.
struct Module {
  std::string path;
  std::vector<std::string> needs; ///< names, to be loaded before, in this order
};
/// By name, with "_" for "-".
using Modules = std::map<std::string, Module>;

/// Name of a module file: "kernel/fs/fat/vfat.ko.xz" -> "vfat".
std::string module_name(std::string_view path);

Result<Modules> parse_modules_dep(std::string_view text);

struct Selection {
  std::vector<std::string> load_order; ///< names for the initramfs, each after what it needs
  std::vector<std::string> all;        ///< names in the root file system, sorted
};

/// Every name and glob of the list must match a module of the kernel.
Result<Selection> select_modules(const ModuleList& list, const Modules& modules);

} // namespace dstack::osbuild
