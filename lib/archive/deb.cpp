#include "archive/deb.hpp"

#include "archive/reader.hpp"
#include "base/text.hpp"

#include <archive_entry.h>

namespace dstack::archive {

namespace {

Error archive_error(::archive* a, std::string_view doing)
{
  const char* text = archive_error_string(a);
  return fail(Errc::malformed, "{}: {}", doing, text == nullptr ? "unknown error" : text);
}

/// Hands the bytes of the outer archive's current entry to the inner one.
la_ssize_t next_piece(::archive* /*inner*/, void* outer, const void** buffer)
{
  std::size_t size = 0;
  la_int64_t offset = 0;
  const int r = archive_read_data_block(static_cast<::archive*>(outer), buffer, &size, &offset);
  if (r == ARCHIVE_EOF) return 0;
  return r == ARCHIVE_OK ? static_cast<la_ssize_t>(size) : -1;
}

Result<Reader> open_package(const sys::fs::path& package)
{
  constexpr std::size_t block = 64 * 1024;
  Reader outer{archive_read_new()};
  archive_read_support_format_ar(outer.get());
  if (archive_read_open_filename(outer.get(), package.c_str(), block) != ARCHIVE_OK)
    return archive_error(outer.get(), "open");
  ::archive_entry* entry = nullptr;
  while (true) {
    const int r = archive_read_next_header(outer.get(), &entry);
    if (r == ARCHIVE_EOF) return fail(Errc::malformed, "no data.tar in the package");
    if (r != ARCHIVE_OK) return archive_error(outer.get(), "read");
    const char* name = archive_entry_pathname(entry);
    if (name != nullptr && std::string_view{name}.starts_with("data.tar")) return outer;
  }
}

Result<Reader> open_data(::archive* outer)
{
  Reader inner{archive_read_new()};
  archive_read_support_format_tar(inner.get());
  archive_read_support_filter_xz(inner.get());
  archive_read_support_filter_zstd(inner.get());
  archive_read_support_filter_gzip(inner.get());
  if (archive_read_open(inner.get(), outer, nullptr, next_piece, nullptr) != ARCHIVE_OK)
    return archive_error(inner.get(), "open data.tar");
  return inner;
}

/// "./usr/bin/" -> "usr/bin"; empty for the root itself.
Result<std::string> clean_path(const char* stored)
{
  if (stored == nullptr) return fail(Errc::malformed, "an entry without a name");
  std::string_view path = stored;
  while (path.starts_with("./"))
    path.remove_prefix(2);
  while (path.ends_with('/'))
    path.remove_suffix(1);
  if (path.empty() || path == ".") return std::string{};
  for (const std::string_view part : split(path, '/'))
    if (part.empty() || part == "." || part == "..")
      return fail(Errc::malformed, "path \"{}\" leaves the package", printable(stored));
  return std::string{path};
}

Result<DebEntry> describe(::archive_entry* entry)
{
  constexpr unsigned permission_bits = 0777;
  DebEntry out;
  out.path = TRY(clean_path(archive_entry_pathname(entry)));
  out.mode = archive_entry_mode(entry) & permission_bits;
  if (const char* link = archive_entry_hardlink(entry); link != nullptr) {
    out.kind = EntryKind::hardlink;
    out.target = TRY(clean_path(link));
    return out;
  }
  switch (archive_entry_filetype(entry)) {
  case AE_IFREG:
    out.kind = EntryKind::file;
    out.size = static_cast<std::uint64_t>(archive_entry_size(entry));
    return out;
  case AE_IFDIR:
    out.kind = EntryKind::directory;
    return out;
  case AE_IFLNK:
    out.kind = EntryKind::symlink;
    out.target = archive_entry_symlink(entry) == nullptr ? "" : archive_entry_symlink(entry);
    return out;
  default:
    return fail(Errc::unsupported, "\"{}\" is neither file, directory nor link",
                printable(out.path));
  }
}

} // namespace

struct DebContent::Source {
  ::archive* data;
};

Status DebContent::copy_to(int fd)
{
  const void* buffer = nullptr;
  std::size_t size = 0;
  la_int64_t offset = 0;
  while (true) {
    const int r = archive_read_data_block(source_.data, &buffer, &size, &offset);
    if (r == ARCHIVE_EOF) return ok();
    if (r != ARCHIVE_OK) return archive_error(source_.data, "read");
    TRY(sys::write_all(fd, {static_cast<const std::uint8_t*>(buffer), size}));
  }
}

Result<Bytes> DebContent::read(std::size_t max)
{
  Bytes out;
  const void* buffer = nullptr;
  std::size_t size = 0;
  la_int64_t offset = 0;
  while (true) {
    const int r = archive_read_data_block(source_.data, &buffer, &size, &offset);
    if (r == ARCHIVE_EOF) return out;
    if (r != ARCHIVE_OK) return archive_error(source_.data, "read");
    if (size > max - out.size()) return fail(Errc::malformed, "more than {} bytes", max);
    const auto* bytes = static_cast<const std::uint8_t*>(buffer);
    out.insert(out.end(), bytes, bytes + size);
  }
}

Status read_deb(const sys::fs::path& package, const DebVisitor& visitor)
{
  const Reader outer = TRY(open_package(package));
  const Reader inner = TRY(open_data(outer.get()));
  std::uint64_t total = 0;
  ::archive_entry* stored = nullptr;
  while (true) {
    const int r = archive_read_next_header(inner.get(), &stored);
    if (r == ARCHIVE_EOF) return ok();
    if (r != ARCHIVE_OK) return archive_error(inner.get(), "read data.tar");
    const DebEntry entry = TRY(describe(stored));
    if (entry.path.empty()) continue;
    if (entry.size > max_deb_content - total)
      return fail(Errc::malformed, "more than {} of files", format_size(max_deb_content));
    total += entry.size;
    DebContent::Source source{inner.get()};
    DebContent content{source};
    TRY(visitor(entry, content).within("{}", entry.path));
  }
}

Result<Bytes> decompress(ByteView compressed, std::size_t max)
{
  const Reader reader{archive_read_new()};
  archive_read_support_format_raw(reader.get());
  archive_read_support_filter_xz(reader.get());
  archive_read_support_filter_zstd(reader.get());
  archive_read_support_filter_gzip(reader.get());
  archive_read_support_filter_lzma(reader.get());
  ::archive_entry* entry = nullptr;
  if (archive_read_open_memory(reader.get(), compressed.data(), compressed.size()) != ARCHIVE_OK ||
      archive_read_next_header(reader.get(), &entry) != ARCHIVE_OK)
    return archive_error(reader.get(), "decompress");
  DebContent::Source source{reader.get()};
  return DebContent{source}.read(max);
}

} // namespace dstack::archive
