#include "archive/bundle.hpp"

#include <algorithm>
#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <unistd.h>

namespace dstack::archive {

namespace {

constexpr std::size_t write_piece = std::size_t{1} << 20U;

struct CloseWriter {
  void operator()(::archive* a) const { archive_write_free(a); }
};
struct FreeEntry {
  void operator()(::archive_entry* e) const { archive_entry_free(e); }
};
using Writer = std::unique_ptr<::archive, CloseWriter>;
using Entry = std::unique_ptr<::archive_entry, FreeEntry>;

Error write_error(::archive* a, std::string_view what)
{
  const char* why = archive_error_string(a);
  return fail(Errc::io, "{}: {}", what, why == nullptr ? "unknown libarchive error" : why);
}

Status put_bytes(::archive* a, ByteView data, const std::string& name)
{
  if (archive_write_data(a, data.data(), data.size()) != static_cast<la_ssize_t>(data.size()))
    return write_error(a, name);
  return ok();
}

Status put_header(::archive* a, const std::string& name, unsigned permissions, std::uint64_t size)
{
  const Entry entry{archive_entry_new()};
  archive_entry_set_pathname(entry.get(), name.c_str());
  archive_entry_set_filetype(entry.get(), name.ends_with('/') ? AE_IFDIR : AE_IFREG);
  archive_entry_set_perm(entry.get(), permissions);
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(size));
  archive_entry_set_mtime(entry.get(), 0, 0);
  if (archive_write_header(a, entry.get()) != ARCHIVE_OK) return write_error(a, name);
  return ok();
}

Status put_file(::archive* a, const std::string& name, const BundleEntry& entry)
{
  const sys::fs::path& path = entry.file;
  const sys::Fd in = TRY(sys::open_read(path));
  const std::uint64_t size = TRY(sys::file_size(path));
  TRY(put_header(a, name, entry.permissions, size));
  std::uint64_t left = size;
  while (left > 0) {
    const Bytes piece = TRY(sys::read_some(in.get(), std::min<std::uint64_t>(left, write_piece)));
    if (piece.empty()) return fail(Errc::io, "{} became shorter while it was read", path.string());
    TRY(put_bytes(a, piece, name));
    left -= piece.size();
  }
  return ok();
}

/// gzip's header with neither time nor name, and nothing behind its end.
Status compress(::archive* a, Compression compression)
{
  constexpr int tar_block = 512;
  const bool plain = compression == Compression::none;
  archive_write_set_bytes_in_last_block(a, plain ? tar_block : 1);
  if (plain) return ok();
  if (archive_write_add_filter_gzip(a) != ARCHIVE_OK ||
      archive_write_set_filter_option(a, "gzip", "timestamp", nullptr) != ARCHIVE_OK)
    return write_error(a, "gzip");
  return ok();
}

Status
write_entries(int fd, const std::map<std::string, BundleEntry>& entries, Compression compression)
{
  const Writer writer{archive_write_new()};
  archive_write_set_format_ustar(writer.get());
  TRY(compress(writer.get(), compression));
  if (archive_write_open_fd(writer.get(), fd) != ARCHIVE_OK)
    return write_error(writer.get(), "bundle");
  for (const auto& [name, entry] : entries) {
    if (!entry.file.empty()) {
      TRY(put_file(writer.get(), name, entry));
    } else {
      TRY(put_header(writer.get(), name, entry.permissions, entry.bytes.size()));
      TRY(put_bytes(writer.get(), entry.bytes, name));
    }
  }
  if (archive_write_close(writer.get()) != ARCHIVE_OK) return write_error(writer.get(), "bundle");
  return ok();
}

} // namespace

Status write_bundle(const sys::fs::path& path,
                    const std::map<std::string, BundleEntry>& entries,
                    Compression compression)
{
  const sys::fs::path temp = path.string() + fmt::format(".{}.tmp", ::getpid());
  std::error_code ignored;
  sys::fs::remove(temp, ignored);
  const sys::Fd fd = TRY(sys::create_new(temp, sys::Privacy::shared));
  Status done = write_entries(fd.get(), entries, compression);
  if (done && ::fsync(fd.get()) != 0) done = sys::errno_error("fsync");
  if (done) done = sys::rename_path(temp, path);
  if (!done) sys::fs::remove(temp, ignored);
  return std::move(done).within("write {}", path.string());
}

} // namespace dstack::archive
