#pragma once
/// Debian binary packages (deb(5)): an ar file whose member data.tar.* holds the files.

#include "sys/files.hpp"

#include <functional>

namespace dstack::archive {

enum class EntryKind { file, directory, symlink, hardlink };

struct DebEntry {
  std::string path; ///< relative, without "./" in front or "/" at the end
  EntryKind kind = EntryKind::file;
  unsigned mode = 0;      ///< permission bits only
  std::string target;     ///< of a symbolic link as stored; of a hard link as a path
  std::uint64_t size = 0; ///< of a file
};

/// The bytes of the file entry being visited.
class DebContent {
public:
  struct Source;
  explicit DebContent(Source& source) : source_(source) {}
  /// Writes them to a descriptor.
  Status copy_to(int fd);
  /// All of them, refused above max.
  Result<Bytes> read(std::size_t max);

private:
  Source& source_;
};

/// Called for every entry in the package's order; an error ends the reading and is returned.
using DebVisitor = std::function<Status(const DebEntry&, DebContent&)>;

/// Refuses paths that leave the package, device nodes, and more than max_deb_content in all.
Status read_deb(const sys::fs::path& package, const DebVisitor& visitor);

constexpr std::uint64_t max_deb_content = std::uint64_t{4} << 30U;

/// Undoes xz, zstd, gzip or LZMA compression (whichever it is) of one file.
Result<Bytes> decompress(ByteView compressed, std::size_t max);

} // namespace dstack::archive
