#pragma once
/// Files: bounded reading, atomic writing, locks. Paths are bytes as the system takes them.

#include "sys/fd.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>

namespace dstack::sys {

namespace fs = std::filesystem;

enum class Privacy { shared, owner_only }; ///< 0644/0755 or 0600/0700

/// Whole file, refused above max bytes and when it is not a regular file (or pipe for "-").
Result<Bytes> read_file(const fs::path& path, std::size_t max);
Result<std::string> read_text(const fs::path& path, std::size_t max);
/// Temp file in the same directory, fsync, rename, fsync of the directory.
Status write_file_atomic(const fs::path& path, ByteView data, Privacy privacy);
Status make_directories(const fs::path& path, Privacy privacy);
Status remove_tree(const fs::path& path);
/// Atomically replaces or creates `to` (a directory or file on the same file system).
Status rename_path(const fs::path& from, const fs::path& to);
Status sync_directory(const fs::path& path);
Result<Fd> open_read(const fs::path& path);
Result<Fd> open_append(const fs::path& path, Privacy privacy);
/// Creates exclusively for writing; Errc::io when it exists.
Result<Fd> create_new(const fs::path& path, Privacy privacy);
Result<std::uint64_t> file_size(const fs::path& path);
/// Bytes available to this user on the file system that holds path.
Result<std::uint64_t> free_space(const fs::path& path);
/// A fresh directory below parent, 0700: prefix, a dot and six random characters.
Result<fs::path> make_temp_directory(const fs::path& parent, std::string_view prefix);

/// An exclusive flock on a file, held until destroyed. The holder writes "pid what" into the file.
class FileLock {
public:
  /// Waits at most wait; Errc::timeout names the holder.
  static Result<FileLock>
  acquire(const fs::path& path, std::string_view what, std::chrono::milliseconds wait);
  /// True when somebody else holds it now.
  static bool is_held(const fs::path& path);
  int fd() const { return fd_.get(); }

private:
  explicit FileLock(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

/// XDG base directories with their documented fallbacks (XDG Base Directory Specification 0.8),
/// each with "/dstack" appended.
struct Directories {
  fs::path config;
  fs::path data;
  fs::path state;
  fs::path cache;
  fs::path runtime;
};
/// get returns the value of an environment variable, empty when unset.
Directories directories(const std::function<std::string(const char*)>& get);

} // namespace dstack::sys
