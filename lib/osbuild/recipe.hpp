#pragma once
/// The recipe files of os/ other than the package lock: rules, modules, command line, version.

#include "base/bytes.hpp"

#include <string>
#include <vector>

namespace dstack::osbuild {

struct Join {
  std::string path;
  std::string glob;
};

struct Directory {
  std::string path;
  unsigned mode = 0;
};

struct Link {
  std::string path;
  std::string target;
};

/// os/rootfs.rules
struct Rules {
  std::vector<std::string> keep;
  std::vector<std::string> drop;
  std::vector<Directory> directories;
  std::vector<Link> links;
  std::vector<Join> joins;

  /// Some keep line matches and no drop line does.
  bool takes(const std::string& path) const;
};

/// os/modules.list
struct ModuleList {
  std::vector<std::string> initramfs; ///< names in load order
  std::vector<std::string> rootfs;    ///< globs
};

/// "*" matches any characters, "/" too; "?" one.
bool matches(const std::string& glob, const std::string& path);
bool matches_any(const std::vector<std::string>& globs, const std::string& path);

/// Errors name the line.
Result<Rules> parse_rules(std::string_view text);
Result<ModuleList> parse_modules_list(std::string_view text);
/// os/cmdline: words over any number of lines, "#" starts a comment line.
Result<std::string> parse_cmdline(std::string_view text);
/// VERSION_ID of an os-release file.
Result<std::string> parse_version(std::string_view os_release);

} // namespace dstack::osbuild
