#pragma once
/// The steps of a build, each from files to files below one work directory.

#include "image/package_lock.hpp"
#include "osbuild/recipe.hpp"
#include "osbuild/tools.hpp"
#include "osbuild/unpack.hpp"

namespace dstack::osbuild {

struct Recipe {
  image::PackageLock lock;
  Rules rules;
  ModuleList modules;
  std::string cmdline;
  std::string version;
  fs::path overlay; ///< os/rootfs
};
Result<Recipe> load_recipe(const fs::path& directory);

/// Where the parts of one build are.
struct Workplace {
  fs::path top; ///< removed afterwards
  fs::path tools() const { return top / "tools"; }
  fs::path kernel() const { return top / "kernel"; }
  fs::path firmware() const { return top / "firmware"; }
  fs::path root() const { return top / "root"; }
  fs::path image() const { return top / "image"; } ///< becomes the image directory
};

/// Unpacks all roles; the root gets the files the rules take, then links, joins and directories.
Status unpack_packages(const Recipe& recipe,
                       const fs::path& packages,
                       const Workplace& work,
                       unsigned workers);
/// Our own files over the root, and the guest agent.
Status add_own_files(const Recipe& recipe, const fs::path& guest_program, const Workplace& work);

struct ModuleFile {
  std::string name;
  Bytes content;
};
/// Puts the listed modules, uncompressed, and their index into the root; returns the ones of the
/// initramfs in load order.
Result<std::vector<ModuleFile>> add_modules(const Recipe& recipe, const Workplace& work);

/// newc archive with init, modules and their order; not compressed, so that no library's version
/// shows in its bytes.
Result<Bytes> make_initramfs(const std::vector<ModuleFile>& modules,
                             const fs::path& init_program,
                             std::uint32_t epoch);

/// The squashfs of the root at root_partition_offset of file.
Status make_squashfs(const Workplace& work, const fs::path& file, std::uint32_t epoch);

} // namespace dstack::osbuild
