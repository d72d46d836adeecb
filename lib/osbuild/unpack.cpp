#include "osbuild/unpack.hpp"

#include "archive/deb.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace dstack::osbuild {

namespace {

constexpr unsigned directory_mode = 0755;
constexpr std::size_t max_captured = std::size_t{16} << 20U;

std::string parent_of(const std::string& path)
{
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

Result<sys::Fd> create(const fs::path& file, unsigned mode)
{
  sys::Fd fd{::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)};
  if (!fd) return sys::errno_error("create " + file.string());
  if (::fchmod(fd.get(), mode) != 0) return sys::errno_error("chmod " + file.string());
  return fd;
}

Status make_parents(const fs::path& root, const std::string& path)
{
  const std::string parent = parent_of(path);
  if (parent.empty()) return ok();
  struct stat found {};
  if (::lstat((root / parent).c_str(), &found) == 0) {
    if (S_ISDIR(found.st_mode)) return ok();
    return fail(Errc::malformed, "{} is needed as a directory", parent);
  }
  return make_directory(root, parent, directory_mode);
}

Status take(const archive::DebEntry& entry,
            archive::DebContent& content,
            const fs::path& into,
            Unpacked& out)
{
  if (entry.kind == archive::EntryKind::symlink) {
    out.symlinks[entry.path] = entry.target;
    return ok();
  }
  if (entry.kind == archive::EntryKind::hardlink) {
    out.copies[entry.path] = entry.target;
    return ok();
  }
  TRY(make_parents(into, entry.path));
  const sys::Fd fd = TRY(create(into / entry.path, entry.mode));
  return content.copy_to(fd.get());
}

} // namespace

Status make_directory(const fs::path& root, const std::string& path, unsigned mode)
{
  TRY(make_parents(root, path));
  const fs::path full = root / path;
  if (::mkdir(full.c_str(), 0700) != 0 && errno != EEXIST)
    return sys::errno_error("make directory " + full.string());
  if (::chmod(full.c_str(), mode) != 0) return sys::errno_error("chmod " + full.string());
  return ok();
}

Status write_file(const fs::path& file, ByteView content, unsigned mode)
{
  const sys::Fd fd = TRY(create(file, mode));
  return sys::write_all(fd.get(), content).within("{}", file.string());
}

Result<Unpacked> unpack(const fs::path& package, const fs::path& into, const Chooser& choose)
{
  Unpacked out;
  TRY(archive::read_deb(
          package,
          [&](const archive::DebEntry& entry, archive::DebContent& content) -> Status {
            if (entry.kind == archive::EntryKind::directory) return ok();
            out.paths.push_back(entry.path);
            switch (choose(entry.path)) {
            case Choice::skip:
              return ok();
            case Choice::write:
              return take(entry, content, into, out);
            case Choice::capture:
              if (entry.kind == archive::EntryKind::file)
                out.captured[entry.path] = TRY(content.read(max_captured));
              return ok();
            }
            return ok();
          })
          .within("{}", package.filename().string()));
  return out;
}

Status finish_links(const Unpacked& unpacked, const fs::path& into)
{
  std::error_code error;
  for (const auto& [path, original] : unpacked.copies) {
    TRY(make_parents(into, path));
    fs::copy_file(into / original, into / path, error);
    if (error) return fail(Errc::io, "copy {} to {}: {}", original, path, error.message());
  }
  for (const auto& [path, target] : unpacked.symlinks) {
    TRY(make_parents(into, path));
    fs::create_symlink(target, into / path, error);
    if (error) return fail(Errc::io, "link {}: {}", path, error.message());
  }
  return ok();
}

} // namespace dstack::osbuild
