#include "base/calendar.hpp"

#include <chrono>

namespace dstack {

namespace {

constexpr std::string_view shape = "dddd-dd-ddTdd:dd:ddZ";

unsigned number_at(std::string_view text, std::size_t at, std::size_t digits)
{
  unsigned out = 0;
  for (std::size_t i = 0; i < digits; ++i)
    out = out * 10 + static_cast<unsigned>(text[at + i] - '0');
  return out;
}

bool has_shape(std::string_view text)
{
  if (text.size() != shape.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (shape[i] == 'd' ? !digit : text[i] != shape[i]) return false;
  }
  return true;
}

} // namespace

Result<std::int64_t> unix_seconds(const Date& date, const Clock& clock)
{
  namespace chrono = std::chrono;
  const chrono::year_month_day day{chrono::year{static_cast<int>(date.year)},
                                   chrono::month{date.month}, chrono::day{date.day}};
  if (!day.ok()) return fail(Errc::malformed, "no such day");
  if (clock.hour > 23 || clock.minute > 59 || clock.second > 59)
    return fail(Errc::malformed, "no such time of day");
  const std::int64_t days = chrono::sys_days{day}.time_since_epoch().count();
  return ((days * 24 + clock.hour) * 60 + clock.minute) * 60 + clock.second;
}

Result<std::int64_t> parse_utc(std::string_view text)
{
  if (!has_shape(text)) return fail(Errc::malformed, "a time that is not YYYY-MM-DDTHH:MM:SSZ");
  return unix_seconds({number_at(text, 0, 4), number_at(text, 5, 2), number_at(text, 8, 2)},
                      {number_at(text, 11, 2), number_at(text, 14, 2), number_at(text, 17, 2)});
}

} // namespace dstack
