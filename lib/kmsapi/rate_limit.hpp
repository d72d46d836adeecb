#pragma once
/// How often one address may ask: a bucket of tokens for each (RFC 2697 has the idea). One IPv6
/// network of 64 bits counts as one address: that much anybody has.

#include <cstdint>
#include <map>
#include <string>

namespace dstack::kmsapi {

class RateLimit {
public:
  /// per_minute 0: no limit. Half of a minute's worth may come at once.
  explicit RateLimit(std::uint64_t per_minute);

  /// Takes one token of that address; false when there is none. now_ms never goes backwards.
  bool take(const std::string& address, std::int64_t now_ms);
  std::size_t known() const { return buckets_.size(); }

private:
  struct Bucket {
    double tokens = 0;
    std::int64_t at_ms = 0;
  };
  void forget_full(std::int64_t now_ms);

  double per_ms_;
  double most_;
  std::map<std::string, Bucket> buckets_;
};

} // namespace dstack::kmsapi
