#include "store/disk_files.hpp"

#include "base/text.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace dstack::store {

namespace fs = std::filesystem;

namespace {

Status set_size(int fd, std::uint64_t size, const fs::path& path)
{
  if (::ftruncate(fd, static_cast<off_t>(size)) == 0) return ok();
  return sys::errno_error(fmt::format("size {} to {}", path.string(), format_size(size)));
}

Status write_at(int fd, ByteView data, std::uint64_t offset, const fs::path& path)
{
  while (!data.empty()) {
    const ssize_t n = ::pwrite(fd, data.data(), data.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return sys::errno_error("write " + path.string());
    data = data.subspan(static_cast<std::size_t>(n));
    offset += static_cast<std::uint64_t>(n);
  }
  return ok();
}

/// A new file that disappears again unless it is renamed.
struct Draft {
  fs::path path;
  ~Draft()
  {
    std::error_code ignored;
    fs::remove(path, ignored);
  }
};

Status publish(const fs::path& to, const std::function<Status(int fd, const fs::path&)>& fill)
{
  const Draft draft{fs::path{to}.concat(".new")};
  std::error_code ignored;
  fs::remove(draft.path, ignored);
  const sys::Fd fd = TRY(sys::create_new(draft.path, sys::Privacy::owner_only));
  TRY(fill(fd.get(), draft.path));
  return sys::rename_path(draft.path, to);
}

} // namespace

Status need_free_space(const fs::path& path, std::uint64_t floor)
{
  const std::uint64_t free = TRY(sys::free_space(path));
  if (free >= floor) return ok();
  return fail(Errc::io, "disk full: {} has {} free (want {} at least)", path.string(),
              format_size(free), format_size(floor));
}

Status write_disk(const fs::path& path, const vm::SparseDisk& disk)
{
  return publish(path, [&](int fd, const fs::path& draft) -> Status {
    TRY(set_size(fd, disk.size_bytes, draft));
    for (const vm::DiskExtent& extent : disk.extents)
      TRY(write_at(fd, extent.data, extent.offset, draft));
    return ok();
  });
}

Status ensure_data_disk(const fs::path& path, std::uint64_t size_bytes)
{
  TRY(need_free_space(path.parent_path(), free_space_floor));
  const auto present = sys::file_size(path);
  if (!present && present.error().code() != Errc::not_found) return present.error();
  if (!present)
    return publish(path,
                   [&](int fd, const fs::path& draft) { return set_size(fd, size_bytes, draft); });
  if (*present == size_bytes) return ok();
  if (*present > size_bytes)
    return fail(Errc::config, "the data disk has {} and cannot shrink to {}", format_size(*present),
                format_size(size_bytes));
  const sys::Fd fd{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};
  if (!fd) return sys::errno_error("open " + path.string());
  return set_size(fd.get(), size_bytes, path);
}

} // namespace dstack::store
