#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <ctime>
#include <span>

namespace dstack {

std::string_view trim(std::string_view text)
{
  constexpr std::string_view blanks = " \t\r\n";
  const auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::vector<std::string_view> split(std::string_view text, char separator)
{
  std::vector<std::string_view> out;
  std::size_t from = 0;
  while (true) {
    const auto at = text.find(separator, from);
    out.push_back(text.substr(from, at == std::string_view::npos ? at : at - from));
    if (at == std::string_view::npos) return out;
    from = at + 1;
  }
}

std::string join(const std::vector<std::string>& pieces, std::string_view separator)
{
  std::string out;
  for (const std::string& piece : pieces) {
    if (&piece != &pieces.front()) out += separator;
    out += piece;
  }
  return out;
}

std::string lower(std::string_view text)
{
  std::string out{text};
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

Result<std::uint64_t> parse_u64(std::string_view text)
{
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc{} || at != end)
    return fail(Errc::malformed, "'{}' is not a whole number", printable(text));
  return value;
}

namespace {

/// Length of the UTF-8 sequence at the front, 0 when it is not valid.
std::size_t utf8_sequence(std::string_view text)
{
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xc0U) != 0x80) return 0;
  if (lead == 0xe0 && byte(1) < 0xa0) return 0;
  if (lead == 0xed && byte(1) > 0x9f) return 0;
  if (lead == 0xf0 && byte(1) < 0x90) return 0;
  if (lead == 0xf4 && byte(1) > 0x8f) return 0;
  return length;
}

struct Unit {
  std::string_view suffix;
  double factor;
};

Result<std::uint64_t>
parse_with_units(std::string_view text, std::span<const Unit> units, std::string_view example)
{
  const auto number_end = std::min(text.find_first_not_of("0123456789."), text.size());
  const std::string_view number = text.substr(0, number_end);
  const std::string suffix = lower(text.substr(number_end));
  double value = 0;
  const auto [at, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  const auto* unit = std::find_if(units.data(), units.data() + units.size(),
                                  [&](const Unit& u) { return u.suffix == suffix; });
  if (number.empty() || error != std::errc{} || at != number.data() + number.size() ||
      unit == units.data() + units.size() || value * unit->factor > 9e18)
    return fail(Errc::malformed, "'{}' is not understood (want for example {})", printable(text),
                example);
  return static_cast<std::uint64_t>(std::llround(value * unit->factor));
}

} // namespace

bool is_utf8(std::string_view text)
{
  while (!text.empty()) {
    const std::size_t length = utf8_sequence(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string printable(std::string_view text)
{
  std::string out;
  while (!text.empty()) {
    const std::size_t length = utf8_sequence(text);
    const auto first = static_cast<unsigned char>(text[0]);
    const bool control =
        length == 1 && ((first < 0x20 && first != '\n' && first != '\t') || first == 0x7f);
    const bool c1 = length == 2 && first == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0;
    if (length == 0 || control || c1)
      out += first == '\r' ? "" : "?";
    else
      out += text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

Result<std::uint64_t> parse_size(std::string_view text)
{
  constexpr double k = 1024;
  static constexpr std::array<Unit, 17> units{{{"", 1},
                                               {"b", 1},
                                               {"k", k},
                                               {"kb", k},
                                               {"kib", k},
                                               {"m", k * k},
                                               {"mb", k * k},
                                               {"mib", k * k},
                                               {"g", k * k * k},
                                               {"gb", k * k * k},
                                               {"gib", k * k * k},
                                               {"t", k * k * k * k},
                                               {"tb", k * k * k * k},
                                               {"tib", k * k * k * k},
                                               {"ki", k},
                                               {"mi", k * k},
                                               {"gi", k * k * k}}};
  return parse_with_units(text, units, "512M or 20G");
}

std::string format_size(std::uint64_t bytes)
{
  static constexpr std::array<std::string_view, 5> suffixes{"", "K", "M", "G", "T"};
  auto value = static_cast<double>(bytes);
  std::size_t step = 0;
  while (value >= 1024 && step + 1 < suffixes.size()) {
    value /= 1024;
    ++step;
  }
  if (step == 0) return fmt::format("{}B", bytes);
  const bool whole = std::abs(value - std::round(value)) < 0.05;
  return whole ? fmt::format("{:.0f}{}", value, suffixes[step])
               : fmt::format("{:.1f}{}", value, suffixes[step]);
}

Result<std::uint64_t> parse_duration_ms(std::string_view text)
{
  static constexpr std::array<Unit, 7> units{{{"", 1000},
                                              {"ms", 1},
                                              {"s", 1000},
                                              {"m", 60'000},
                                              {"min", 60'000},
                                              {"h", 3'600'000},
                                              {"d", 86'400'000}}};
  return parse_with_units(text, units, "90s, 5m or 250ms");
}

std::string format_duration_ms(std::uint64_t ms)
{
  if (ms < 60'000) return fmt::format("{}.{}s", ms / 1000, ms % 1000 / 100);
  const std::uint64_t seconds = ms / 1000;
  if (seconds < 3600) return fmt::format("{}m{:02}s", seconds / 60, seconds % 60);
  if (seconds < 86'400) return fmt::format("{}h{:02}m", seconds / 3600, seconds % 3600 / 60);
  return fmt::format("{}d{:02}h", seconds / 86'400, seconds % 86'400 / 3600);
}

std::string format_utc(Time time)
{
  const std::time_t seconds = time.seconds();
  std::tm parts{};
  if (gmtime_r(&seconds, &parts) == nullptr) return "invalid time";
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& among)
{
  std::optional<std::string> best;
  std::size_t best_distance = word.size() / 3 + 2;
  for (const std::string& candidate : among) {
    std::vector<std::size_t> row(candidate.size() + 1);
    for (std::size_t j = 0; j < row.size(); ++j)
      row[j] = j;
    for (std::size_t i = 1; i <= word.size(); ++i) {
      std::size_t diagonal = row[0];
      row[0] = i;
      for (std::size_t j = 1; j < row.size(); ++j) {
        const std::size_t change = diagonal + (word[i - 1] == candidate[j - 1] ? 0 : 1);
        diagonal = row[j];
        row[j] = std::min({row[j] + 1, row[j - 1] + 1, change});
      }
    }
    if (row.back() < best_distance) {
      best_distance = row.back();
      best = candidate;
    }
  }
  return best;
}

} // namespace dstack
