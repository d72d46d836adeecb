#include "acme/renewal.hpp"

#include "acme/jws.hpp"
#include "x509/request.hpp"

#include <algorithm>

namespace dstack::acme {

namespace {

constexpr std::int64_t day_ms = 86'400'000;

/// 0 … width - 1; the small bias towards its lower end does not matter here.
std::int64_t within(std::int64_t width, std::uint64_t random)
{
  if (width <= 0) return 0;
  return static_cast<std::int64_t>(random % static_cast<std::uint64_t>(width));
}

} // namespace

Time renewal_time(Time not_before,
                  Time not_after,
                  const RenewalSettings& settings,
                  std::uint64_t random)
{
  const std::int64_t lifetime = std::max<std::int64_t>(not_after.ms - not_before.ms, 0);
  const std::int64_t before = std::min(settings.before_expiry_ms, lifetime / 3);
  return {not_after.ms - before - within(std::min(day_ms, lifetime / 20), random)};
}

Time renewal_time(const RenewalInfo& info, Time now, std::uint64_t random)
{
  return std::max(now, Time{info.start.ms + within(info.end.ms - info.start.ms, random)});
}

Time retry_time(Time now,
                unsigned failures,
                std::optional<Time> not_before,
                const RenewalSettings& settings,
                std::uint64_t random)
{
  constexpr unsigned most_doublings = 20;
  const unsigned doublings = std::min(std::max(failures, 1U) - 1, most_doublings);
  const std::int64_t pause = std::min(settings.retry_base_ms << doublings, settings.retry_most_ms);
  const Time at{now.ms + pause / 2 + within(pause / 2 + 1, random)};
  return not_before ? std::max(at, *not_before) : at;
}

Result<std::string> renewal_info_name(ByteView certificate_der)
{
  const x509::RenewalName name = TRY(x509::renewal_name_of(certificate_der));
  return fmt::format("{}.{}", base64url(name.authority_key_id), base64url(name.serial));
}

} // namespace dstack::acme
