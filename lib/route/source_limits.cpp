#include "route/source_limits.hpp"

#include <algorithm>

namespace dstack::route {

namespace {

constexpr std::int64_t milli = 1000;
constexpr unsigned customer_prefix = 64;
constexpr std::int64_t sweep_every_ms = 1000;

Address source_address(const Address& address)
{
  return address.is_v4() ? address : Network{address, customer_prefix}.base();
}

} // namespace

std::size_t SourceLimits::Hash::operator()(const Address& address) const
{
  // FNV-1a from a secret start, finished as splitmix64 does.
  std::uint64_t state = seed ^ address.bits();
  for (const std::uint8_t byte : address.bytes())
    state = (state ^ byte) * 0x100000001b3U;
  state = (state ^ state >> 30U) * 0xbf58476d1ce4e5b9U;
  return static_cast<std::size_t>(state ^ state >> 31U ^ seed);
}

SourceLimits::SourceLimits(const SourceLimitSettings& settings, std::uint64_t seed)
    : settings_(settings), sources_(0, Hash{seed})
{
  others_.milli_tokens = std::int64_t{settings_.burst} * milli;
}

void SourceLimits::refill(Source& source, Time now) const
{
  const std::int64_t most = std::int64_t{settings_.burst} * milli;
  // A second fills per_second tokens; a clock that jumps fills at most everything.
  const std::int64_t passed =
      std::clamp<std::int64_t>(now.ms - source.filled.ms, 0, std::int64_t{3600} * milli);
  source.milli_tokens = std::min(most, source.milli_tokens + passed * settings_.per_second);
  source.filled = now;
}

void SourceLimits::forget_idle(Time now)
{
  if (now.ms - swept_.ms < sweep_every_ms && now >= swept_) return;
  swept_ = now;
  const std::int64_t full = std::int64_t{settings_.burst} * milli;
  std::erase_if(sources_, [&](const auto& entry) {
    Source source = entry.second;
    refill(source, now);
    return source.open == 0 && source.milli_tokens == full;
  });
}

SourceLimits::Source& SourceLimits::source_of(const Address& address, Time now)
{
  const auto found = sources_.find(address);
  if (found != sources_.end()) return found->second;
  if (sources_.size() >= settings_.max_sources) forget_idle(now);
  if (sources_.size() >= settings_.max_sources) return others_;
  return sources_.try_emplace(address, Source{0, std::int64_t{settings_.burst} * milli, now})
      .first->second;
}

SourceLimits::Verdict SourceLimits::admit(const Address& address, Time now)
{
  Source& source = source_of(source_address(address), now);
  refill(source, now);
  if (source.open >= settings_.max_open) return Verdict::too_many_open;
  if (source.milli_tokens < milli) return Verdict::too_fast;
  source.milli_tokens -= milli;
  ++source.open;
  return Verdict::admitted;
}

void SourceLimits::closed(const Address& address)
{
  const auto found = sources_.find(source_address(address));
  Source& source = found != sources_.end() && found->second.open > 0 ? found->second : others_;
  if (source.open > 0) --source.open;
}

} // namespace dstack::route
