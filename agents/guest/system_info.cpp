#include "guest/system_info.hpp"

#include "base/text.hpp"
#include "guest/console.hpp"
#include "sys/files.hpp"

#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace dstack::guest {

namespace {

using codec::Json;

constexpr std::size_t max_proc = std::size_t{1} << 20U;

std::string proc(const char* path)
{
  const auto text = sys::read_text(path, max_proc);
  return text ? *text : std::string{};
}

/// First "key : value" line of /proc/cpuinfo with that key.
std::string cpuinfo_value(std::string_view text, std::string_view key)
{
  for (const std::string_view line : split(text, '\n')) {
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos && trim(line.substr(0, colon)) == key)
      return std::string{trim(line.substr(colon + 1))};
  }
  return {};
}

void add_memory(Json& out)
{
  const std::string text = proc("/proc/meminfo");
  const std::uint64_t total = meminfo_bytes(text, "MemTotal");
  const std::uint64_t available = meminfo_bytes(text, "MemAvailable");
  const std::uint64_t swap = meminfo_bytes(text, "SwapTotal");
  const std::uint64_t free_swap = meminfo_bytes(text, "SwapFree");
  out.set("total_memory", total).set("available_memory", available);
  out.set("used_memory", total - std::min(total, available));
  out.set("free_memory", meminfo_bytes(text, "MemFree"));
  out.set("total_swap", swap).set("used_swap", swap - std::min(swap, free_swap));
  out.set("free_swap", free_swap);
}

Json disks(const std::vector<std::string>& mount_points)
{
  Json out = Json::array();
  for (const std::string& point : mount_points) {
    struct statvfs info {};
    if (::statvfs(point.c_str(), &info) != 0) continue;
    Json disk;
    disk.set("name", point).set("mount_point", point);
    disk.set("total_size", std::uint64_t{info.f_blocks} * info.f_frsize);
    disk.set("free_size", std::uint64_t{info.f_bavail} * info.f_frsize);
    out.push(std::move(disk));
  }
  return out;
}

} // namespace

std::uint64_t meminfo_bytes(std::string_view meminfo, std::string_view key)
{
  for (const std::string_view line : split(meminfo, '\n')) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || line.substr(0, colon) != key) continue;
    const std::string_view value = trim(line.substr(colon + 1));
    const auto kib = parse_u64(value.substr(0, value.find(' ')));
    return kib ? *kib * 1024 : 0;
  }
  return 0;
}

std::vector<std::uint64_t> load_averages(std::string_view loadavg)
{
  std::vector<std::uint64_t> out;
  for (const std::string_view word : split(loadavg, ' ')) {
    const std::size_t dot = word.find('.');
    if (out.size() == 3 || dot == std::string_view::npos) break;
    const auto whole = parse_u64(word.substr(0, dot));
    const auto part = parse_u64(word.substr(dot + 1));
    out.push_back(whole && part ? *whole * 100 + *part : 0);
  }
  out.resize(3);
  return out;
}

std::string os_release_value(std::string_view text, std::string_view key)
{
  for (const std::string_view line : split(text, '\n')) {
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos || line.substr(0, equals) != key) continue;
    std::string_view value = trim(line.substr(equals + 1));
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
      value = value.substr(1, value.size() - 2);
    return std::string{value};
  }
  return {};
}

Json system_info(const std::vector<std::string>& mount_points)
{
  const std::string release = proc("/etc/os-release");
  const std::string cpu = proc("/proc/cpuinfo");
  utsname kernel{};
  ::uname(&kernel);
  const std::string mhz = cpuinfo_value(cpu, "cpu MHz");
  Json out;
  out.set("os_name", os_release_value(release, "NAME"));
  out.set("os_version", os_release_value(release, "VERSION_ID"));
  out.set("kernel_version", static_cast<const char*>(kernel.release));
  out.set("cpu_model", fmt::format("{} @{} MHz", cpuinfo_value(cpu, "model name"),
                                   mhz.substr(0, mhz.find('.'))));
  out.set("num_cpus", std::int64_t{::sysconf(_SC_NPROCESSORS_ONLN)});
  add_memory(out);
  out.set("uptime", static_cast<std::uint64_t>(uptime_seconds()));
  const auto load = load_averages(proc("/proc/loadavg"));
  out.set("loadavg_one", load[0]).set("loadavg_five", load[1]).set("loadavg_fifteen", load[2]);
  out.set("disks", disks(mount_points));
  return out;
}

} // namespace dstack::guest
