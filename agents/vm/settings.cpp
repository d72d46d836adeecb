#include "agents/vm/settings.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>

namespace dstack::supervisor {

namespace {

constexpr std::uint64_t max_ms = std::uint64_t{24} * 3600 * 1000;
constexpr std::uint64_t max_log = std::uint64_t{1} << 40U;
constexpr std::uint64_t max_backups = 100;
constexpr std::array<std::string_view, 9> known{
    "restart_first_ms", "restart_longest_ms", "restart_healthy_ms",
    "log_max_bytes",    "log_backups",        "log_check_ms",
    "channel",          "key_provider",       "collateral_program"};

Result<std::uint64_t>
number(const codec::Json& config, std::string_view key, std::uint64_t fallback, std::uint64_t most)
{
  const std::uint64_t value = TRY(config.get_u64(key, fallback));
  if (value > most) return fail(Errc::config, "{}: {} (at most {})", key, value, most);
  return value;
}

Result<std::chrono::milliseconds>
duration_of(const codec::Json& config, std::string_view key, std::chrono::milliseconds fallback)
{
  const auto usual = static_cast<std::uint64_t>(fallback.count());
  const std::uint64_t value = TRY(number(config, key, usual, max_ms));
  if (value == 0) return fail(Errc::config, "{}: 0", key);
  return std::chrono::milliseconds{value};
}

/// "127.0.0.1:3443", "[::1]:3443"
Result<KeyProvider> key_provider(const codec::Json& config)
{
  KeyProvider out;
  out.collateral_program = TRY(config.get_string("collateral_program", ""));
  const std::string text = TRY(config.get_string("key_provider", ""));
  if (text.empty()) return out;
  const std::size_t colon = text.rfind(':');
  const auto port = parse_u64(std::string_view{text}.substr(colon + 1));
  if (colon == std::string::npos || colon == 0 || !port || *port == 0 || *port > UINT16_MAX)
    return fail(Errc::config, "key_provider: '{}' (want ADDRESS:PORT)", printable(text));
  out.address = text.substr(0, colon);
  if (out.address.starts_with('[') && out.address.ends_with(']'))
    out.address = out.address.substr(1, out.address.size() - 2);
  out.port = static_cast<std::uint16_t>(*port);
  return out;
}

} // namespace

Result<Settings> parse_settings(const codec::Json& config)
{
  for (const auto& [key, value] : config.members())
    if (std::find(known.begin(), known.end(), key) == known.end())
      return fail(Errc::config, "configuration: unknown key '{}'", printable(key));
  Settings s;
  s.restart.first = TRY(duration_of(config, "restart_first_ms", s.restart.first));
  s.restart.longest = TRY(duration_of(config, "restart_longest_ms", s.restart.longest));
  s.restart.healthy = TRY(duration_of(config, "restart_healthy_ms", s.restart.healthy));
  s.log_check = TRY(duration_of(config, "log_check_ms", s.log_check));
  s.logs.max_bytes = TRY(number(config, "log_max_bytes", s.logs.max_bytes, max_log));
  s.logs.backups =
      static_cast<unsigned>(TRY(number(config, "log_backups", s.logs.backups, max_backups)));
  const std::string channel = TRY(config.get_string("channel", "serial"));
  if (channel != "serial" && channel != "vsock")
    return fail(Errc::config, "channel: '{}' (want serial or vsock)", printable(channel));
  if (channel == "vsock") s.channel = vm::ChannelKind::vsock;
  s.key_provider = TRY(key_provider(config));
  return s;
}

} // namespace dstack::supervisor
