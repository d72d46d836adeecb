#include "gateway/name_cache.hpp"

#include <algorithm>

namespace dstack::gateway {

const NameCache::Answer* NameCache::find(std::string_view host, Time now)
{
  const auto found = names_.find(host);
  if (found == names_.end()) return nullptr;
  const auto entry = found->second;
  if (entry->until <= now) {
    names_.erase(found);
    entries_.erase(entry);
    return nullptr;
  }
  entries_.splice(entries_.begin(), entries_, entry);
  return &entry->answer;
}

void NameCache::put(const std::string& host, Answer answer, std::int64_t ttl_ms, Time now)
{
  const auto known = names_.find(host);
  if (known != names_.end()) {
    const auto entry = known->second;
    names_.erase(known);
    entries_.erase(entry);
  }
  const std::int64_t most = answer ? most_positive_ms : most_negative_ms;
  const std::int64_t kept = std::clamp(ttl_ms, std::int64_t{0}, most);
  entries_.push_front({host, std::move(answer), Time{now.ms + kept}});
  names_[entries_.front().host] = entries_.begin();
  if (entries_.size() <= max_names) return;
  names_.erase(entries_.back().host);
  entries_.pop_back();
}

} // namespace dstack::gateway
