#pragma once
/// One cached answer as a file: what was asked, what came back, and a hash over both, so that a
/// damaged file is seen and never used.

#include "base/bytes.hpp"
#include "base/text.hpp"
#include "http/message.hpp"

namespace dstack::fetch {

inline constexpr std::size_t max_cache_entry = (std::size_t{4} << 20U) + (std::size_t{256} << 10U);

struct CacheEntry {
  std::string base{}; ///< the service's address
  std::string url{};
  Time fetched_at{};
  std::vector<http::Header> headers{}; ///< those that are used, names in lower case
  std::string body{};
};

Bytes write_cache_entry(const CacheEntry& entry);
/// Errc::malformed for anything but the exact bytes of write_cache_entry.
Result<CacheEntry> parse_cache_entry(ByteView file);
/// File name of the answer to a question: hex of SHA-256.
std::string cache_key(std::string_view base, std::string_view url);

} // namespace dstack::fetch
