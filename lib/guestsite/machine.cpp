#include "guestsite/machine.hpp"

#include "base/text.hpp"
#include "guestapi/proc_text.hpp"
#include "sys/spawn.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <bit>
#include <cstring>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace dstack::guestsite {

namespace {

using guestapi::Disk;
using guestapi::Interface;
using guestapi::InterfaceAddress;

constexpr std::size_t max_text = std::size_t{1} << 20U;
constexpr sys::RunLimits wg_limits{sys::Millis{2000}, 64 * 1024};

std::string text_of(const char* path)
{
  const auto text = sys::read_text(path, max_text);
  return text ? *text : std::string{};
}

std::vector<Disk> read_disks(std::vector<std::string> mount_points)
{
  std::sort(mount_points.begin(), mount_points.end());
  const std::string mounts = text_of("/proc/self/mounts");
  std::vector<Disk> out;
  for (const std::string& point : mount_points) {
    struct statvfs info {};
    if (::statvfs(point.c_str(), &info) != 0) continue;
    Disk disk;
    disk.name = guestapi::mount_source(mounts, point);
    disk.mount_point = point;
    disk.total_size = std::uint64_t{info.f_blocks} * info.f_frsize;
    disk.free_size = std::uint64_t{info.f_bavail} * info.f_frsize;
    out.push_back(std::move(disk));
  }
  return out;
}

/// The numeric form of an address, "" for other families.
std::string address_text(const sockaddr* address)
{
  std::array<char, INET6_ADDRSTRLEN> out{};
  const void* bytes = nullptr;
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  if (address->sa_family == AF_INET) {
    std::memcpy(&v4, address, sizeof v4);
    bytes = &v4.sin_addr;
  } else if (address->sa_family == AF_INET6) {
    std::memcpy(&v6, address, sizeof v6);
    bytes = &v6.sin6_addr;
  }
  if (bytes == nullptr || ::inet_ntop(address->sa_family, bytes, out.data(),
                                      static_cast<socklen_t>(out.size())) == nullptr)
    return {};
  return out.data();
}

std::uint32_t prefix_of(const sockaddr* mask)
{
  std::array<std::uint8_t, 16> bits{};
  if (mask != nullptr && mask->sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, mask, sizeof v4);
    std::memcpy(bits.data(), &v4.sin_addr, sizeof v4.sin_addr);
  } else if (mask != nullptr && mask->sa_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, mask, sizeof v6);
    std::memcpy(bits.data(), &v6.sin6_addr, sizeof v6.sin6_addr);
  }
  std::uint32_t out = 0;
  for (const std::uint8_t byte : bits)
    out += static_cast<std::uint32_t>(std::popcount(byte));
  return out;
}

void add_addresses(std::vector<Interface>& to)
{
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) return;
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner{first, &::freeifaddrs};
  for (const ifaddrs* one = first; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr) continue;
    const auto at = std::find_if(to.begin(), to.end(), [&](const Interface& interface) {
      return interface.name == one->ifa_name;
    });
    std::string address = address_text(one->ifa_addr);
    if (at != to.end() && !address.empty())
      at->addresses.push_back({std::move(address), prefix_of(one->ifa_netmask)});
  }
}

std::string wireguard()
{
  const auto program = sys::find_program("wg");
  if (!program) return program.error().message();
  sys::Command command;
  command.argv = {program->string()};
  const auto output = sys::run(command, {}, wg_limits);
  if (!output) return output.error().message();
  return printable(output->state.success() ? output->out : output->err);
}

} // namespace

guestapi::SystemInfo read_system(std::vector<std::string> disks)
{
  const std::string release = text_of("/etc/os-release");
  utsname kernel{};
  ::uname(&kernel);
  guestapi::SystemInfo out;
  out.os_name = guestapi::os_release_value(release, "NAME");
  out.os_version = guestapi::os_release_value(release, "VERSION_ID");
  out.kernel_version = static_cast<const char*>(kernel.release);
  out.cpu_model = guestapi::cpu_model(text_of("/proc/cpuinfo"));
  out.num_cpus = static_cast<std::uint32_t>(std::max(0L, ::sysconf(_SC_NPROCESSORS_ONLN)));
  guestapi::add_memory(out, text_of("/proc/meminfo"));
  out.uptime = guestapi::uptime_seconds(text_of("/proc/uptime"));
  const auto load = guestapi::load_averages(text_of("/proc/loadavg"));
  out.loadavg_one = load[0];
  out.loadavg_five = load[1];
  out.loadavg_fifteen = load[2];
  out.disks = read_disks(std::move(disks));
  return out;
}

guestapi::NetworkInfo read_network()
{
  guestapi::NetworkInfo out;
  out.dns_servers = guestapi::nameservers(text_of("/etc/resolv.conf"));
  out.gateways =
      guestapi::default_gateways(text_of("/proc/net/route"), text_of("/proc/net/ipv6_route"));
  out.interfaces = guestapi::interfaces(text_of("/proc/net/dev"));
  add_addresses(out.interfaces);
  out.wg_info = wireguard();
  return out;
}

} // namespace dstack::guestsite
