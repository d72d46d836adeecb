#include "guestapi/proc_text.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace dstack::guestapi {

namespace {

std::uint64_t number(std::string_view text)
{
  const auto value = parse_u64(text);
  return value ? *value : 0;
}

/// The value of the first "key<separator>value" line.
std::string_view value_of(std::string_view text, std::string_view key, char separator)
{
  for (const std::string_view line : split(text, '\n')) {
    const std::size_t at = line.find(separator);
    if (at != std::string_view::npos && trim(line.substr(0, at)) == key)
      return trim(line.substr(at + 1));
  }
  return {};
}

std::vector<std::string_view> words(std::string_view line)
{
  std::vector<std::string_view> out;
  while (true) {
    const std::size_t start = line.find_first_not_of(" \t");
    if (start == std::string_view::npos) return out;
    line.remove_prefix(start);
    out.push_back(line.substr(0, line.find_first_of(" \t")));
    line.remove_prefix(out.back().size());
  }
}

/// Blanks in /proc/self/mounts are written as \040 and the like.
std::string unescape_mount(std::string_view text)
{
  std::string out;
  while (!text.empty()) {
    const auto octal = [&](std::size_t i) { return text[i] >= '0' && text[i] <= '7'; };
    if (text[0] == '\\' && text.size() >= 4 && octal(1) && octal(2) && octal(3)) {
      out.push_back(static_cast<char>((text[1] - '0') * 64 + (text[2] - '0') * 8 + text[3] - '0'));
      text.remove_prefix(4);
      continue;
    }
    out.push_back(text[0]);
    text.remove_prefix(1);
  }
  return out;
}

/// /proc/net/route writes an IPv4 address as one host-order (little-endian) number.
std::optional<std::string> ipv4_of_route(std::string_view digits)
{
  const auto bytes = parse_hex_array<4>(digits);
  if (!bytes) return std::nullopt;
  const auto& b = *bytes;
  return fmt::format("{}.{}.{}.{}", b[3], b[2], b[1], b[0]);
}

/// The longest run of at least two zero groups, as RFC 5952 4.2 shortens it.
std::pair<std::size_t, std::size_t> longest_zeros(const std::array<unsigned, 8>& groups)
{
  std::pair<std::size_t, std::size_t> best{0, 0};
  for (std::size_t start = 0; start < groups.size(); ++start) {
    std::size_t end = start;
    while (end < groups.size() && groups[end] == 0)
      ++end;
    if (end - start > best.second) best = {start, end - start};
  }
  return best.second >= 2 ? best : std::pair<std::size_t, std::size_t>{groups.size(), 0};
}

std::optional<std::string> ipv6_of_route(std::string_view digits)
{
  const auto bytes = parse_hex_array<16>(digits);
  if (!bytes) return std::nullopt;
  std::array<unsigned, 8> groups{};
  for (std::size_t i = 0; i < groups.size(); ++i)
    groups[i] = (*bytes)[2 * i] * 256U + (*bytes)[2 * i + 1];
  const auto [zeros, count] = longest_zeros(groups);
  std::string out;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (count > 0 && i == zeros) {
      out += "::";
      i += count - 1;
      continue;
    }
    if (!out.empty() && out.back() != ':') out += ':';
    out += fmt::format("{:x}", groups[i]);
  }
  return out;
}

bool is_all(std::string_view text, char c)
{
  return !text.empty() && text.find_first_not_of(c) == std::string_view::npos;
}

void add_once(std::vector<std::string>& to, std::optional<std::string> one)
{
  if (one && std::find(to.begin(), to.end(), *one) == to.end()) to.push_back(std::move(*one));
}

} // namespace

std::uint64_t meminfo_bytes(std::string_view meminfo, std::string_view key)
{
  constexpr std::uint64_t kib = 1024;
  const std::string_view value = value_of(meminfo, key, ':');
  return number(value.substr(0, value.find(' '))) * kib;
}

void add_memory(SystemInfo& info, std::string_view meminfo)
{
  info.total_memory = meminfo_bytes(meminfo, "MemTotal");
  info.available_memory = meminfo_bytes(meminfo, "MemAvailable");
  info.used_memory = info.total_memory - std::min(info.total_memory, info.available_memory);
  info.free_memory = meminfo_bytes(meminfo, "MemFree");
  info.total_swap = meminfo_bytes(meminfo, "SwapTotal");
  info.free_swap = meminfo_bytes(meminfo, "SwapFree");
  info.used_swap = info.total_swap - std::min(info.total_swap, info.free_swap);
}

std::array<std::uint32_t, 3> load_averages(std::string_view loadavg)
{
  std::array<std::uint32_t, 3> out{};
  const auto given = words(loadavg);
  for (std::size_t i = 0; i < out.size() && i < given.size(); ++i) {
    const std::size_t dot = given[i].find('.');
    if (dot == std::string_view::npos) break;
    std::string part{given[i].substr(dot + 1, 2)};
    part.resize(2, '0');
    out[i] = static_cast<std::uint32_t>(number(given[i].substr(0, dot)) * 100 + number(part));
  }
  return out;
}

std::string cpu_model(std::string_view cpuinfo)
{
  const std::string_view name = value_of(cpuinfo, "model name", ':');
  const std::string_view mhz = value_of(cpuinfo, "cpu MHz", ':');
  if (name.empty() && mhz.empty()) return {};
  return fmt::format("{} @{} MHz", name, mhz.substr(0, mhz.find('.')));
}

std::uint64_t uptime_seconds(std::string_view uptime)
{
  return number(uptime.substr(0, uptime.find_first_of(". ")));
}

std::string os_release_value(std::string_view text, std::string_view key)
{
  std::string_view value = value_of(text, key, '=');
  const bool quoted = value.size() >= 2 && value.front() == value.back() &&
                      (value.front() == '"' || value.front() == '\'');
  if (quoted) value = value.substr(1, value.size() - 2);
  return std::string{value};
}

std::string mount_source(std::string_view mounts, std::string_view mount_point)
{
  std::string out{mount_point};
  for (const std::string_view line : split(mounts, '\n')) {
    const auto fields = words(line);
    if (fields.size() >= 2 && unescape_mount(fields[1]) == mount_point)
      out = unescape_mount(fields[0]);
  }
  return out;
}

std::vector<std::string> nameservers(std::string_view resolv_conf)
{
  std::vector<std::string> out;
  for (const std::string_view line : split(resolv_conf, '\n')) {
    const auto fields = words(line);
    if (fields.size() >= 2 && fields[0] == "nameserver") out.emplace_back(fields[1]);
  }
  return out;
}

std::vector<std::string> default_gateways(std::string_view route, std::string_view ipv6_route)
{
  std::vector<std::string> out;
  // Iface Destination Gateway Flags RefCnt Use Metric Mask …
  for (const std::string_view line : split(route, '\n')) {
    const auto fields = words(line);
    if (fields.size() < 8 || !is_all(fields[1], '0') || !is_all(fields[7], '0')) continue;
    if (!is_all(fields[2], '0')) add_once(out, ipv4_of_route(fields[2]));
  }
  // destination its-prefix source its-prefix next-hop …; without a next hop there is no gateway.
  for (const std::string_view line : split(ipv6_route, '\n')) {
    const auto fields = words(line);
    if (fields.size() < 5 || !is_all(fields[0], '0') || fields[1] != "00") continue;
    if (!is_all(fields[4], '0')) add_once(out, ipv6_of_route(fields[4]));
  }
  return out;
}

std::vector<Interface> interfaces(std::string_view dev)
{
  std::vector<Interface> out;
  // "eth0: " then 8 counters received (bytes packets errs …) and 8 sent.
  for (const std::string_view line : split(dev, '\n')) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view name = trim(line.substr(0, colon));
    const auto counters = words(line.substr(colon + 1));
    if (!is_shown_interface(name) || counters.size() < 11) continue;
    Interface one;
    one.name = name;
    one.rx_bytes = number(counters[0]);
    one.rx_errors = number(counters[2]);
    one.tx_bytes = number(counters[8]);
    one.tx_errors = number(counters[10]);
    out.push_back(std::move(one));
  }
  return out;
}

bool is_shown_interface(std::string_view name)
{
  return name == "dstack-wg0" || name.starts_with("enp") || name.starts_with("eth");
}

} // namespace dstack::guestapi
