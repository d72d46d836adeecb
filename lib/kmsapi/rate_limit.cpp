#include "kmsapi/rate_limit.hpp"

#include "base/address.hpp"

#include <algorithm>

namespace dstack::kmsapi {

namespace {

constexpr std::size_t max_buckets = 65'536;

} // namespace

RateLimit::RateLimit(std::uint64_t per_minute)
    : per_ms_(static_cast<double>(per_minute) / 60'000.0),
      most_(std::max(1.0, static_cast<double>(per_minute) / 2))
{
}

bool RateLimit::take(const std::string& address, std::int64_t now_ms)
{
  if (per_ms_ == 0) return true;
  const std::string network = network_of(address);
  auto at = buckets_.find(network);
  if (at == buckets_.end()) {
    if (buckets_.size() >= max_buckets) forget_full(now_ms);
    at = buckets_.emplace(network, Bucket{most_, now_ms}).first;
  }
  Bucket& bucket = at->second;
  bucket.tokens =
      std::min(most_, bucket.tokens + static_cast<double>(now_ms - bucket.at_ms) * per_ms_);
  bucket.at_ms = now_ms;
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}

/// A bucket that is full again says no more than none. When all are in use, somebody has that many
/// addresses, and remembering them is of no use either.
void RateLimit::forget_full(std::int64_t now_ms)
{
  std::erase_if(buckets_, [&](const auto& one) {
    return one.second.tokens + static_cast<double>(now_ms - one.second.at_ms) * per_ms_ >= most_;
  });
  if (buckets_.size() >= max_buckets) buckets_.clear();
}

} // namespace dstack::kmsapi
