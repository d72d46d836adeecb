#include "archive/layout.hpp"

#include "archive/reader.hpp"
#include "base/text.hpp"
#include "crypto/hash.hpp"

#include <algorithm>
#include <archive_entry.h>

namespace dstack::archive {

namespace {

constexpr std::string_view blobs = "blobs/sha256/";
constexpr std::size_t block_size = std::size_t{256} << 10U;
constexpr std::uint64_t max_document = std::uint64_t{4} << 20U;

Error broken(::archive* a)
{
  const char* why = archive_error_string(a);
  return fail(Errc::malformed, "image archive: {}", why == nullptr ? "unreadable" : printable(why));
}

bool is_blob(std::string_view name)
{
  if (!name.starts_with(blobs)) return false;
  name.remove_prefix(blobs.size());
  return name.size() == 64 && name.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Status check_name(std::string_view name)
{
  const auto parts = split(name, '/');
  const bool climbs = std::find(parts.begin(), parts.end(), "..") != parts.end();
  if (name.empty() || name.front() == '/' || climbs)
    return fail(Errc::malformed, "image archive: '{}' leaves the archive", printable(name));
  return ok();
}

/// The current entry's bytes into a new file; hashes them on the way.
Result<std::string> write_entry(::archive* a, const sys::fs::path& path, std::uint64_t size)
{
  const sys::Fd out = TRY(sys::create_new(path, sys::Privacy::owner_only));
  crypto::Sha256 hash;
  std::uint64_t done = 0;
  for (;;) {
    const void* piece = nullptr;
    std::size_t length = 0;
    la_int64_t offset = 0;
    const int result = archive_read_data_block(a, &piece, &length, &offset);
    if (result == ARCHIVE_EOF) break;
    if (result != ARCHIVE_OK) return broken(a);
    if (static_cast<std::uint64_t>(offset) != done || length > size - done)
      return fail(Errc::malformed, "image archive: '{}' has holes", path.filename().string());
    const ByteView bytes{static_cast<const std::uint8_t*>(piece), length};
    hash.update(bytes);
    TRY(sys::write_all(out.get(), bytes));
    done += length;
  }
  return hex(hash.finish());
}

Status
take_entry(::archive* a, ::archive_entry* entry, const std::string& name, const sys::fs::path& to)
{
  const bool document = name == "index.json" || name == "oci-layout";
  if (!document && !is_blob(name)) return ok();
  if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) != nullptr)
    return fail(Errc::malformed, "image archive: '{}' is not a regular file", name);
  const auto size = static_cast<std::uint64_t>(std::max<la_int64_t>(archive_entry_size(entry), 0));
  if (document && size > max_document)
    return fail(Errc::malformed, "image archive: '{}' has {} bytes (limit {})", name, size,
                max_document);
  const std::string digest = TRY(write_entry(a, to / name, size).within("image archive"));
  if (document || digest == name.substr(blobs.size())) return ok();
  return fail(Errc::untrusted, "image archive: the bytes of '{}' do not hash to its name", name);
}

} // namespace

Status unpack_layout(int fd, const sys::fs::path& to)
{
  const Reader reader{archive_read_new()};
  archive_read_support_format_tar(reader.get());
  if (archive_read_open_fd(reader.get(), fd, block_size) != ARCHIVE_OK) return broken(reader.get());
  TRY(sys::make_directories(to / blobs, sys::Privacy::owner_only));
  std::uint64_t total = 0;
  for (std::size_t count = 0;; ++count) {
    ::archive_entry* entry = nullptr;
    const int result = archive_read_next_header(reader.get(), &entry);
    if (result == ARCHIVE_EOF) return ok();
    if (result != ARCHIVE_OK) return broken(reader.get());
    const char* raw = archive_entry_pathname(entry);
    std::string name = raw == nullptr ? "" : raw;
    while (name.starts_with("./") && name.size() > 2)
      name.erase(0, 2);
    TRY(check_name(name));
    const la_int64_t size = archive_entry_size(entry);
    total += size < 0 ? max_layout_bytes : static_cast<std::uint64_t>(size);
    if (count >= max_layout_entries || total > max_layout_bytes)
      return fail(Errc::malformed, "image archive: more than {} entries or {} bytes",
                  max_layout_entries, max_layout_bytes);
    TRY(take_entry(reader.get(), entry, name, to));
  }
}

} // namespace dstack::archive
