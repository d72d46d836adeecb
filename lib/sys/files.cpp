#include "sys/files.hpp"

#include "sys/clock.hpp"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace dstack::sys {

namespace {

mode_t file_mode(Privacy privacy)
{
  return privacy == Privacy::owner_only ? 0600 : 0644;
}
mode_t directory_mode(Privacy privacy)
{
  return privacy == Privacy::owner_only ? 0700 : 0755;
}

/// A name for mkostemp and mkdtemp, which replace six trailing X.
std::string template_path(const fs::path& directory, std::string_view prefix)
{
  return (directory / fmt::format("{}.{}", prefix, std::string(6, 'X'))).string();
}

Result<Fd> open_file(const fs::path& path, int flags, mode_t mode)
{
  while (true) {
    Fd fd{::open(path.c_str(), flags | O_CLOEXEC, mode)};
    if (fd) return fd;
    if (errno != EINTR) return errno_error(fmt::format("open {}", path.string()));
  }
}

} // namespace

Result<Bytes> read_file(const fs::path& path, std::size_t max)
{
  const Fd fd = TRY(open_file(path, O_RDONLY | O_NONBLOCK, 0));
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return errno_error(fmt::format("stat {}", path.string()));
  if (S_ISDIR(info.st_mode)) return fail(Errc::io, "{} is a directory", path.string());
  return read_to_end(fd.get(), max).within("{}", path.string());
}

Result<std::string> read_text(const fs::path& path, std::size_t max)
{
  return to_text(TRY(read_file(path, max)));
}

Status write_file_atomic(const fs::path& path, ByteView data, Privacy privacy)
{
  const fs::path directory = path.has_parent_path() ? path.parent_path() : fs::path{"."};
  std::string temp = template_path(directory, "." + path.filename().string());
  const Fd fd{::mkostemp(temp.data(), O_CLOEXEC)};
  if (!fd) return errno_error(fmt::format("create a file in {}", directory.string()));
  auto finish = [&]() -> Status {
    TRY(write_all(fd.get(), data));
    if (::fchmod(fd.get(), file_mode(privacy)) != 0) return errno_error("chmod");
    if (::fsync(fd.get()) != 0) return errno_error("fsync");
    if (::rename(temp.c_str(), path.c_str()) != 0) return errno_error("rename");
    return sync_directory(directory);
  };
  Status done = finish();
  if (!done) ::unlink(temp.c_str());
  return std::move(done).within("write {}", path.string());
}

Status make_directories(const fs::path& path, Privacy privacy)
{
  fs::path so_far;
  for (const fs::path& part : path) {
    so_far /= part;
    if (::mkdir(so_far.c_str(), directory_mode(privacy)) == 0 || errno == EEXIST) continue;
    if (errno == EISDIR || errno == EROFS || errno == EACCES) {
      if (fs::is_directory(so_far)) continue;
    }
    return errno_error(fmt::format("create directory {}", so_far.string()));
  }
  if (!fs::is_directory(path)) return fail(Errc::io, "{} is not a directory", path.string());
  return ok();
}

Status remove_tree(const fs::path& path)
{
  std::error_code error;
  fs::remove_all(path, error);
  if (error) return fail(Errc::io, "remove {}: {}", path.string(), error.message());
  return ok();
}

Status rename_path(const fs::path& from, const fs::path& to)
{
  if (::rename(from.c_str(), to.c_str()) != 0)
    return errno_error(fmt::format("rename {} to {}", from.string(), to.string()));
  return sync_directory(to.has_parent_path() ? to.parent_path() : fs::path{"."});
}

Status sync_directory(const fs::path& path)
{
  const Fd fd = TRY(open_file(path, O_RDONLY | O_DIRECTORY, 0));
  if (::fsync(fd.get()) != 0 && errno != EINVAL)
    return errno_error(fmt::format("fsync {}", path.string()));
  return ok();
}

Result<Fd> open_read(const fs::path& path)
{
  return open_file(path, O_RDONLY, 0);
}

Result<Fd> open_append(const fs::path& path, Privacy privacy)
{
  return open_file(path, O_WRONLY | O_CREAT | O_APPEND, file_mode(privacy));
}

Result<Fd> create_new(const fs::path& path, Privacy privacy)
{
  return open_file(path, O_WRONLY | O_CREAT | O_EXCL, file_mode(privacy));
}

Result<std::uint64_t> file_size(const fs::path& path)
{
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return errno_error(fmt::format("stat {}", path.string()));
  return static_cast<std::uint64_t>(info.st_size);
}

Result<std::uint64_t> free_space(const fs::path& path)
{
  struct statvfs info {};
  if (::statvfs(path.c_str(), &info) != 0)
    return errno_error(fmt::format("statvfs {}", path.string()));
  return static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
}

Result<fs::path> make_temp_directory(const fs::path& parent, std::string_view prefix)
{
  std::string name = template_path(parent, prefix);
  if (::mkdtemp(name.data()) == nullptr)
    return errno_error(fmt::format("create a directory in {}", parent.string()));
  return fs::path{name};
}

Directories directories(const std::function<std::string(const char*)>& get)
{
  const fs::path home = get("HOME").empty() ? fs::path{"/"} : fs::path{get("HOME")};
  const auto base = [&](const char* variable, const fs::path& fallback) {
    const fs::path value{get(variable)};
    // The specification tells readers to ignore relative paths.
    return (value.is_absolute() ? value : fallback) / "dstack";
  };
  Directories out;
  out.config = base("XDG_CONFIG_HOME", home / ".config");
  out.data = base("XDG_DATA_HOME", home / ".local/share");
  out.state = base("XDG_STATE_HOME", home / ".local/state");
  out.cache = base("XDG_CACHE_HOME", home / ".cache");
  out.runtime = base("XDG_RUNTIME_DIR", out.state.parent_path());
  return out;
}

} // namespace dstack::sys
