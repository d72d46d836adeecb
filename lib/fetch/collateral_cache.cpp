#include "fetch/collateral_cache.hpp"

#include <algorithm>

namespace dstack::fetch {

namespace {

constexpr std::size_t max_files = 4096;
constexpr std::uintmax_t max_bytes = std::uintmax_t{256} << 20U;
constexpr std::size_t name_size = 64;

struct CacheFile {
  sys::fs::path path;
  sys::fs::file_time_type written;
  std::uintmax_t size = 0;
};

/// An entry, or what a killed process left of one (".<key>.<random>").
bool is_ours(std::string_view name)
{
  const bool unfinished = name.starts_with('.');
  if (unfinished) name.remove_prefix(1);
  return (unfinished ? name.size() > name_size : name.size() == name_size) &&
         name.substr(0, name_size).find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// Regular files of ours; whatever else lies there is left alone.
std::vector<CacheFile> files_in(const sys::fs::path& directory)
{
  std::vector<CacheFile> out;
  std::error_code code;
  sys::fs::directory_iterator at{directory, code};
  for (; !code && at != sys::fs::directory_iterator{}; at.increment(code)) {
    std::error_code gone;
    CacheFile file{at->path(), at->last_write_time(gone), 0};
    file.size = at->is_regular_file(gone) ? at->file_size(gone) : 0;
    if (!gone && is_ours(file.path.filename().string())) out.push_back(std::move(file));
  }
  return out;
}

} // namespace

sys::fs::path CollateralCache::path_of(std::string_view base, std::string_view url) const
{
  return directory_ / cache_key(base, url);
}

std::optional<CacheEntry> CollateralCache::find(std::string_view base, std::string_view url) const
{
  const auto bytes = sys::read_file(path_of(base, url), max_cache_entry);
  if (!bytes) {
    if (bytes.error().code() == Errc::malformed) forget(base, url); // over-long
    return std::nullopt;
  }
  auto entry = parse_cache_entry(*bytes);
  if (entry && entry->base == base && entry->url == url) return *std::move(entry);
  forget(base, url);
  return std::nullopt;
}

Status CollateralCache::store(const CacheEntry& entry) const
{
  const Bytes bytes = write_cache_entry(entry);
  if (bytes.size() > max_cache_entry)
    return fail(Errc::malformed, "an answer of {} bytes is too large to keep", bytes.size());
  TRY(sys::make_directories(directory_, sys::Privacy::owner_only));
  make_room(bytes.size());
  return sys::write_file_atomic(path_of(entry.base, entry.url), bytes, sys::Privacy::owner_only);
}

void CollateralCache::forget(std::string_view base, std::string_view url) const
{
  std::error_code ignored;
  sys::fs::remove(path_of(base, url), ignored);
}

std::vector<CacheEntry> CollateralCache::list() const
{
  std::vector<CacheEntry> out;
  for (const CacheFile& file : files_in(directory_)) {
    if (file.path.filename().string().starts_with('.')) continue;
    const auto bytes = sys::read_file(file.path, max_cache_entry);
    if (!bytes) continue;
    if (auto entry = parse_cache_entry(*bytes)) out.push_back(*std::move(entry));
  }
  std::sort(out.begin(), out.end(),
            [](const CacheEntry& a, const CacheEntry& b) { return a.url < b.url; });
  return out;
}

void CollateralCache::make_room(std::size_t for_bytes) const
{
  std::vector<CacheFile> files = files_in(directory_);
  std::uintmax_t total = for_bytes;
  for (const CacheFile& file : files)
    total += file.size;
  if (files.size() < max_files && total <= max_bytes) return;
  std::sort(files.begin(), files.end(),
            [](const CacheFile& a, const CacheFile& b) { return a.written < b.written; });
  std::size_t left = files.size();
  for (const CacheFile& file : files) {
    if (left < max_files && total <= max_bytes) return;
    std::error_code ignored;
    sys::fs::remove(file.path, ignored);
    total -= file.size;
    --left;
  }
}

} // namespace dstack::fetch
