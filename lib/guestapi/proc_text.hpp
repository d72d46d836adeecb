#pragma once
/// Texts of /proc and /etc that describe the machine, read without touching the machine. What a
/// text does not say comes out as zero or empty: these are facts to show, nothing is decided by
/// them.

#include "guestapi/system.hpp"

#include <array>

namespace dstack::guestapi {

/// A value of /proc/meminfo in bytes ("MemTotal"); 0 when it is not there.
std::uint64_t meminfo_bytes(std::string_view meminfo, std::string_view key);
/// /proc/meminfo into the memory and swap members.
void add_memory(SystemInfo& info, std::string_view meminfo);
/// "0.52 1.48 10.09 …" -> 52, 148, 1009: hundredths, cut.
std::array<std::uint32_t, 3> load_averages(std::string_view loadavg);
/// "<name> @<MHz> MHz" of the first processor in /proc/cpuinfo; "" without one.
std::string cpu_model(std::string_view cpuinfo);
/// Whole seconds of /proc/uptime.
std::uint64_t uptime_seconds(std::string_view uptime);
/// A value of os-release(5), without quotes.
std::string os_release_value(std::string_view text, std::string_view key);
/// What is mounted last at that place, of /proc/self/mounts; the place itself when nothing is.
std::string mount_source(std::string_view mounts, std::string_view mount_point);

/// nameserver lines of resolv.conf(5).
std::vector<std::string> nameservers(std::string_view resolv_conf);
/// Default gateways of /proc/net/route and /proc/net/ipv6_route, each once.
std::vector<std::string> default_gateways(std::string_view route, std::string_view ipv6_route);
/// The shown interfaces of /proc/net/dev with their counters, in its order.
std::vector<Interface> interfaces(std::string_view dev);
/// "dstack-wg0", "enp…" and "eth…" are shown, container bridges are not.
bool is_shown_interface(std::string_view name);

} // namespace dstack::guestapi
