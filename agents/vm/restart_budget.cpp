#include "agents/vm/restart_budget.hpp"

#include <algorithm>

namespace dstack::supervisor {

std::optional<std::chrono::milliseconds> RestartBudget::after_failure(std::int64_t now_ms)
{
  if (restart_.policy == store::RestartPolicy::no) return std::nullopt;
  if (healthy_since_ms_ && now_ms - *healthy_since_ms_ >= times_.healthy.count()) attempts_ = 0;
  healthy_since_ms_.reset();
  if (restart_.max_retries != 0 && attempts_ >= restart_.max_retries) return std::nullopt;
  auto delay = times_.first;
  for (std::uint32_t i = 0; i < attempts_ && delay < times_.longest; ++i)
    delay *= 2;
  ++attempts_;
  return std::min(delay, times_.longest);
}

} // namespace dstack::supervisor
