#include "guestapi/log_query.hpp"

#include "http/message.hpp"

#include <limits>
#include <map>
#include <optional>

namespace dstack::guestapi {

namespace {

constexpr std::size_t max_query = 4096;

using Parameters = std::map<std::string, std::string, std::less<>>;

Result<bool> flag(const Parameters& given, std::string_view name)
{
  const auto at = given.find(name);
  if (at == given.end()) return false;
  const std::string& value = at->second;
  if (value.empty() || value == "true" || value == "on" || value == "yes") return true;
  if (value == "false" || value == "off" || value == "no") return false;
  return fail(Errc::malformed, "Invalid {}", name);
}

std::optional<std::int64_t> unit_seconds(char unit)
{
  switch (unit) {
  case 's':
    return 1;
  case 'm':
    return 60;
  case 'h':
    return 3600;
  case 'd':
    return 86400;
  default:
    return std::nullopt;
  }
}

std::optional<std::int64_t> parse_moment(std::string_view text, Time now)
{
  constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
  if (text.empty()) return 0;
  if (const auto absolute = parse_u64(text); absolute && *absolute <= most)
    return static_cast<std::int64_t>(*absolute);
  const auto unit = unit_seconds(text.back());
  const auto count = parse_u64(text.substr(0, text.size() - 1));
  if (!unit || !count) return std::nullopt;
  const std::int64_t seconds = now.seconds();
  const std::uint64_t longest = seconds > 0 ? static_cast<std::uint64_t>(seconds / *unit) : 0;
  // Before the epoch is as good as just after it; 0 would mean no limit.
  if (*count >= longest) return 1;
  return seconds - static_cast<std::int64_t>(*count) * *unit;
}

Result<std::int64_t> moment(const Parameters& given, std::string_view name, Time now)
{
  const auto at = given.find(name);
  if (at == given.end()) return 0;
  if (const auto value = parse_moment(at->second, now)) return *value;
  return fail(Errc::malformed, "Invalid {}", name);
}

Result<std::string> tail_of(const Parameters& given)
{
  const auto at = given.find("tail");
  if (at == given.end()) return LogQuery{}.tail;
  if (at->second.empty() || at->second == "all") return std::string{"all"};
  const auto lines = parse_u64(at->second);
  if (!lines || *lines > std::numeric_limits<std::int32_t>::max())
    return fail(Errc::malformed, "Invalid tail");
  return std::to_string(*lines);
}

} // namespace

Result<LogQuery> parse_log_query(std::string_view query, Time now)
{
  if (query.size() > max_query) return fail(Errc::malformed, "Invalid query");
  const auto pairs = http::parse_query(query);
  if (!pairs) return fail(Errc::malformed, "Invalid query");
  Parameters given;
  for (const http::Header& pair : *pairs)
    if (!given.emplace(pair.name, pair.value).second) return fail(Errc::malformed, "Invalid query");
  LogQuery out;
  out.since = TRY(moment(given, "since", now));
  out.until = TRY(moment(given, "until", now));
  out.follow = TRY(flag(given, "follow"));
  out.timestamps = TRY(flag(given, "timestamps"));
  out.tail = TRY(tail_of(given));
  out.form.text = TRY(flag(given, "text"));
  out.form.bare = TRY(flag(given, "bare"));
  out.form.ansi = TRY(flag(given, "ansi"));
  return out;
}

} // namespace dstack::guestapi
