#pragma once
/// Unpacking chosen files of packages into a directory, as an ordinary user.

#include "osbuild/osbuild.hpp"

#include <functional>
#include <map>

namespace dstack::osbuild {

/// What came out of one package besides the files written.
struct Unpacked {
  std::vector<std::string> paths;              ///< of all its files and links, taken or not
  std::map<std::string, std::string> symlinks; ///< path -> target, not yet made
  std::map<std::string, std::string> copies;   ///< path -> path of the same content (hard link)
  std::map<std::string, Bytes> captured;       ///< contents asked for with Choice::capture
};

enum class Choice { skip, write, capture };
using Chooser = std::function<Choice(const std::string& path)>;

/// Files get the package's permission bits (set-id bits never), whatever the umask. Safe to call
/// for several packages at once on one directory.
Result<Unpacked> unpack(const fs::path& package, const fs::path& into, const Chooser& choose);

/// Makes the links and copies; last, so that nothing was ever written through a link.
Status finish_links(const Unpacked& unpacked, const fs::path& into);

/// Directory (with parents, 0755 whatever the umask) or file with exactly this mode.
Status make_directory(const fs::path& root, const std::string& path, unsigned mode);
Status write_file(const fs::path& file, ByteView content, unsigned mode);

} // namespace dstack::osbuild
