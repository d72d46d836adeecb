#include "certs/schedule.hpp"

#include <algorithm>

namespace dstack::certs {

namespace {

constexpr std::int64_t day_ms = 86'400'000;
constexpr std::int64_t longest_retry_after_ms = 7 * day_ms; // the longest limits that are in use

} // namespace

void Schedule::holds(Time not_before, Time not_after)
{
  not_before_ = not_before;
  not_after_ = not_after;
  renewal_ = acme::renewal_time(not_before, not_after, settings_, random_);
}

void Schedule::issued(Time not_before, Time not_after, std::int64_t steady_ms)
{
  holds(not_before, not_after);
  const std::int64_t lifetime = std::max<std::int64_t>(not_after.ms - not_before.ms, 0);
  ready_ms_ = steady_ms + std::min(settings_.retry_most_ms, lifetime / 3);
  failures_ = 0;
  forced_ = false;
}

std::int64_t Schedule::failed(std::optional<std::int64_t> retry_after_ms,
                              std::int64_t steady_ms,
                              std::uint64_t random)
{
  ++failures_;
  std::optional<Time> not_before;
  if (retry_after_ms) not_before = Time{std::min(*retry_after_ms, longest_retry_after_ms)};
  const std::int64_t pause = acme::retry_time(Time{0}, failures_, not_before, settings_, random).ms;
  ready_ms_ = steady_ms + pause;
  return pause;
}

void Schedule::renewal_info(const acme::RenewalInfo& info)
{
  if (!renewal_) return;
  const std::int64_t reserve = (not_after_.ms - not_before_.ms) / 10;
  // As of the epoch: a window that has passed is due by any clock, and the one here may be wrong.
  renewal_ = std::min(acme::renewal_time(info, Time{0}, random_), Time{not_after_.ms - reserve});
}

bool Schedule::due(Time now, std::int64_t steady_ms) const
{
  return steady_ms >= ready_ms_ && (forced_ || !renewal_ || now >= *renewal_);
}

std::int64_t Schedule::quiet_ms(Time now, std::int64_t steady_ms) const
{
  if (due(now, steady_ms)) return 0;
  const std::int64_t pause = std::max<std::int64_t>(ready_ms_ - steady_ms, 0);
  if (forced_ || !renewal_) return pause;
  return std::max(pause, renewal_->ms - now.ms);
}

std::int64_t Schedule::pause_left_ms(std::int64_t steady_ms) const
{
  return std::max<std::int64_t>(ready_ms_ - steady_ms, 0);
}

} // namespace dstack::certs
