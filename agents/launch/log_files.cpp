#include "agents/launch/log_files.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace dstack::launch {

namespace fs = std::filesystem;

namespace {

fs::path backup(const fs::path& path, unsigned number)
{
  return fs::path{path}.concat(fmt::format(".{}", number));
}

/// Frees name.1 by moving every backup one on.
void shift_backups(const fs::path& path, const LogLimits& limits)
{
  std::error_code ignored;
  fs::remove(backup(path, limits.backups), ignored);
  for (unsigned i = limits.backups; i > 1; --i)
    fs::rename(backup(path, i - 1), backup(path, i), ignored);
}

Result<bool> copy_to_backup(const fs::path& path, const LogLimits& limits)
{
  shift_backups(path, limits);
  std::error_code error;
  fs::copy_file(path, backup(path, 1), fs::copy_options::overwrite_existing, error);
  if (error) return fail(Errc::io, "copy {}: {}", path.string(), error.message());
  return true;
}

} // namespace

Status rotate(const fs::path& path, const LogLimits& limits)
{
  const auto size = sys::file_size(path);
  if (!size || *size == 0) return ok();
  if (limits.backups == 0) {
    std::error_code ignored;
    fs::remove(path, ignored);
    return ok();
  }
  shift_backups(path, limits);
  return sys::rename_path(path, backup(path, 1));
}

Result<bool> rotate_in_place(const fs::path& path, const LogLimits& limits)
{
  const auto size = sys::file_size(path);
  if (!size || limits.max_bytes == 0 || *size <= limits.max_bytes) return false;
  // Without room for the copy (full disk) the cut matters more than the copy.
  const auto copied = limits.backups == 0 ? Result<bool>{true} : copy_to_backup(path, limits);
  if (::truncate(path.c_str(), 0) != 0) return sys::errno_error("cut " + path.string());
  return copied;
}

std::string tail_of(const fs::path& path, std::size_t max_bytes)
{
  const auto size = sys::file_size(path);
  const auto fd = sys::open_read(path);
  if (!size || !fd) return "";
  if (*size > max_bytes) ::lseek(fd->get(), static_cast<off_t>(*size - max_bytes), SEEK_SET);
  std::string out(max_bytes, '\0');
  std::size_t have = 0;
  while (have < out.size()) {
    const ssize_t n = ::read(fd->get(), out.data() + have, out.size() - have);
    if (n <= 0) break;
    have += static_cast<std::size_t>(n);
  }
  out.resize(have);
  return out;
}

} // namespace dstack::launch
