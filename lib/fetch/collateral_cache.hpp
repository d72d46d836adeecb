#pragma once
/// What services answered, kept below $XDG_CACHE_HOME/dstack/collateral. Every file can be deleted
/// at any time, by anybody; several processes may use the directory at once.

#include "fetch/cache_entry.hpp"
#include "sys/files.hpp"

#include <optional>

namespace dstack::fetch {

class CollateralCache {
public:
  explicit CollateralCache(sys::fs::path directory) : directory_(std::move(directory)) {}

  const sys::fs::path& directory() const { return directory_; }
  /// The stored answer. A damaged file is removed and counts as absent, so does an unreadable one.
  std::optional<CacheEntry> find(std::string_view base, std::string_view url) const;
  /// Replaces the stored answer in one step; the oldest ones go when there are too many.
  Status store(const CacheEntry& entry) const;
  void forget(std::string_view base, std::string_view url) const;
  /// Every good entry, by URL; nothing is removed.
  std::vector<CacheEntry> list() const;

private:
  sys::fs::path path_of(std::string_view base, std::string_view url) const;
  void make_room(std::size_t for_bytes) const;

  sys::fs::path directory_;
};

} // namespace dstack::fetch
