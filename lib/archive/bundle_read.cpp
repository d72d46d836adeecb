#include "archive/bundle.hpp"

#include "base/text.hpp"
#include "crypto/hash.hpp"

#include <algorithm>
#include <archive.h>
#include <archive_entry.h>
#include <unistd.h>

namespace dstack::archive {

namespace {

constexpr std::size_t piece_size = std::size_t{256} << 10U;
constexpr std::size_t header_size = 512;
constexpr std::size_t max_info = std::size_t{1} << 20U;

struct FreeArchive {
  void operator()(::archive* a) const { archive_read_free(a); }
};

/// libarchive reads through here: pread, with the position kept by us, and skips by arithmetic.
struct Source {
  int fd = -1;
  std::uint64_t at = 0;
  Bytes buffer;
};

la_ssize_t read_source(::archive* /*a*/, void* opaque, const void** out)
{
  auto& source = *static_cast<Source*>(opaque);
  source.buffer.resize(header_size * 32);
  const ssize_t n =
      ::pread(source.fd, source.buffer.data(), source.buffer.size(), static_cast<off_t>(source.at));
  if (n < 0) return -1;
  source.at += static_cast<std::uint64_t>(n);
  *out = source.buffer.data();
  return n;
}

la_int64_t skip_source(::archive* /*a*/, void* opaque, la_int64_t count)
{
  static_cast<Source*>(opaque)->at += static_cast<std::uint64_t>(count);
  return count;
}

/// Plain relative names of printable ASCII: no "..", no empty part, nothing absolute.
bool is_plain_name(std::string_view name)
{
  if (name.empty() || name.size() > 255) return false;
  const bool ascii =
      std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < 0x7f; });
  const auto parts = split(name, '/');
  return ascii && std::none_of(parts.begin(), parts.end(), [](std::string_view part) {
           return part.empty() || part == "." || part == "..";
         });
}

Status check_entry(::archive* a, ::archive_entry* entry, const std::string& name)
{
  if (archive_format(a) != ARCHIVE_FORMAT_TAR_USTAR)
    return fail(Errc::unsupported, "bundle: not a plain ustar archive");
  if (!is_plain_name(name))
    return fail(Errc::malformed, "bundle: entry name '{}' is not a plain relative path",
                printable(name));
  if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) != nullptr)
    return fail(Errc::malformed, "bundle: '{}' is not a regular file", name);
  const auto size = archive_entry_size(entry);
  if (size < 0 || static_cast<std::uint64_t>(size) > max_bundle_bytes)
    return fail(Errc::malformed, "bundle: '{}' has a size out of bounds", name);
  return ok();
}

/// Skipping an entry's bytes does not notice that they are not there.
Status check_extent(int fd, std::uint64_t offset, std::uint64_t size, const std::string& name)
{
  if (size == 0) return ok();
  std::uint8_t last = 0;
  const ssize_t n = ::pread(fd, &last, 1, static_cast<off_t>(offset + size - 1));
  if (n < 0) return sys::errno_error("read bundle");
  if (n == 0) return fail(Errc::malformed, "bundle: '{}' is cut off", name);
  return ok();
}

} // namespace

Result<BundleReader> BundleReader::open(int fd)
{
  const std::unique_ptr<::archive, FreeArchive> reader{archive_read_new()};
  archive_read_support_format_tar(reader.get());
  Source source{fd, 0, {}};
  archive_read_set_callback_data(reader.get(), &source);
  archive_read_set_read_callback(reader.get(), read_source);
  archive_read_set_skip_callback(reader.get(), skip_source);
  if (archive_read_open1(reader.get()) != ARCHIVE_OK)
    return fail(Errc::malformed, "bundle: not a tar archive");
  BundleReader out{fd};
  while (true) {
    ::archive_entry* entry = nullptr;
    const int result = archive_read_next_header(reader.get(), &entry);
    if (result == ARCHIVE_EOF) break;
    if (result != ARCHIVE_OK) {
      const char* why = archive_error_string(reader.get());
      return fail(Errc::malformed, "bundle: entry {}: {}", out.places_.size(),
                  why == nullptr ? "unreadable" : printable(why));
    }
    const char* raw = archive_entry_pathname(entry);
    const std::string name = raw == nullptr ? "" : raw;
    TRY(check_entry(reader.get(), entry, name));
    const auto header = static_cast<std::uint64_t>(archive_read_header_position(reader.get()));
    const auto size = static_cast<std::uint64_t>(archive_entry_size(entry));
    TRY(check_extent(fd, header + header_size, size, name));
    if (!out.places_.emplace(name, Place{header + header_size, size}).second)
      return fail(Errc::malformed, "bundle: '{}' is there twice", name);
    if (out.places_.size() > max_bundle_entries)
      return fail(Errc::malformed, "bundle: more than {} entries", max_bundle_entries);
  }
  if (out.places_.empty()) return fail(Errc::malformed, "bundle: empty or not a tar archive");
  return out;
}

std::vector<std::string> BundleReader::names() const
{
  std::vector<std::string> out;
  for (const auto& [name, place] : places_)
    out.push_back(name);
  return out;
}

Result<BundleReader::Place> BundleReader::place(std::string_view name) const
{
  const auto at = places_.find(name);
  if (at == places_.end()) return fail(Errc::malformed, "bundle: '{}' is missing", printable(name));
  return at->second;
}

Result<std::uint64_t> BundleReader::size(std::string_view name) const
{
  return TRY(place(name)).size;
}

Status BundleReader::copy(std::string_view name, const std::function<Status(ByteView)>& sink) const
{
  const Place from = TRY(place(name));
  Bytes piece(piece_size);
  std::uint64_t done = 0;
  while (done < from.size) {
    const std::size_t want = std::min<std::uint64_t>(piece.size(), from.size - done);
    const ssize_t n = ::pread(fd_, piece.data(), want, static_cast<off_t>(from.offset + done));
    if (n < 0) return sys::errno_error("read bundle");
    if (n == 0) return fail(Errc::malformed, "bundle: '{}' is cut off", name);
    TRY(sink(ByteView{piece}.first(static_cast<std::size_t>(n))));
    done += static_cast<std::uint64_t>(n);
  }
  return ok();
}

Result<Bytes> BundleReader::read(std::string_view name, std::size_t max) const
{
  const Place from = TRY(place(name));
  if (from.size > max)
    return fail(Errc::malformed, "bundle: '{}' has {} bytes (limit {})", name, from.size, max);
  Bytes out;
  TRY(copy(name, [&](ByteView piece) -> Status {
    out.insert(out.end(), piece.begin(), piece.end());
    return ok();
  }));
  return out;
}

Result<BundleInfo> BundleReader::info() const
{
  const Bytes raw = TRY(read(bundle_info_name, max_info));
  const codec::Json json =
      TRY(codec::parse_json(as_text(raw)).within("bundle: {}", bundle_info_name));
  return bundle_info_from_json(json).within("bundle: {}", bundle_info_name);
}

Status verify_blobs(const BundleReader& bundle)
{
  constexpr std::string_view blobs = "blobs/sha256/";
  for (const std::string& name : bundle.names()) {
    if (!name.starts_with(blobs)) continue;
    crypto::Sha256 hash;
    TRY(bundle.copy(name, [&](ByteView piece) -> Status {
      hash.update(piece);
      return ok();
    }));
    if (hex(hash.finish()) != name.substr(blobs.size()))
      return fail(Errc::untrusted, "bundle: the bytes of '{}' do not hash to its name", name);
  }
  return ok();
}

} // namespace dstack::archive
