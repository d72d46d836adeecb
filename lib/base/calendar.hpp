#pragma once
/// Calendar dates as Unix seconds, without time zones or leap seconds (POSIX).

#include "base/result.hpp"

#include <cstdint>

namespace dstack {

struct Date {
  unsigned year = 1970;
  unsigned month = 1; ///< 1..12
  unsigned day = 1;
};

struct Clock {
  unsigned hour = 0;
  unsigned minute = 0;
  unsigned second = 0;
};

/// Refuses what is not a day of the calendar or a second of the day (60 is refused too).
Result<std::int64_t> unix_seconds(const Date& date, const Clock& clock);
/// Exactly "2026-11-23T02:03:04Z".
Result<std::int64_t> parse_utc(std::string_view text);

} // namespace dstack
