#pragma once
/// Log files that other processes append to: kept to a size without telling the writer.

#include "sys/files.hpp"

namespace dstack::launch {

struct LogLimits {
  std::uint64_t max_bytes = std::uint64_t{4} << 20U; ///< 0: never rotated
  unsigned backups = 3;                              ///< name.1 (newest) to name.N
};

/// Moves a non-empty log to name.1, older ones on, the oldest away.
Status rotate(const std::filesystem::path& path, const LogLimits& limits);
/// When the log has grown too large: its content is copied to name.1 and the file is cut in place,
/// so a writer that appends (O_APPEND) goes on at the start. True when that happened.
Result<bool> rotate_in_place(const std::filesystem::path& path, const LogLimits& limits);
/// The last bytes of a file, at most; empty when there is none.
std::string tail_of(const std::filesystem::path& path, std::size_t max_bytes);

} // namespace dstack::launch
