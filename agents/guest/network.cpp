#include "guest/network.hpp"

#include "sys/files.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <net/if.h>
#include <net/route.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace dstack::guest {

namespace {

Result<sys::Fd> control_socket()
{
  sys::Fd fd{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  if (!fd) return sys::errno_error("network control socket");
  return fd;
}

ifreq request_for(const std::string& interface)
{
  ifreq request{};
  const std::size_t size = std::min<std::size_t>(interface.size(), IFNAMSIZ - 1);
  std::memcpy(request.ifr_name, interface.data(), size);
  return request;
}

/// An IPv4 address in the shape ioctl wants; the text was checked when it was parsed.
sockaddr address_of(std::uint32_t network_order)
{
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_addr.s_addr = network_order;
  sockaddr out{};
  std::memcpy(&out, &in, sizeof in);
  return out;
}

std::uint32_t parse_address(const std::string& text)
{
  in_addr parsed{};
  DSTACK_ASSERT(::inet_pton(AF_INET, text.c_str(), &parsed) == 1);
  return parsed.s_addr;
}

Status bring_up(int control, const std::string& interface)
{
  ifreq request = request_for(interface);
  if (::ioctl(control, SIOCGIFFLAGS, &request) != 0) return sys::errno_error(interface + " flags");
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  if (::ioctl(control, SIOCSIFFLAGS, &request) != 0) return sys::errno_error(interface + " up");
  return ok();
}

/// The address replaces the one the interface had.
Status
set_address(int control, const std::string& interface, const std::string& address, unsigned prefix)
{
  ifreq request = request_for(interface);
  request.ifr_addr = address_of(parse_address(address));
  if (::ioctl(control, SIOCSIFADDR, &request) != 0)
    return sys::errno_error(fmt::format("{} address {}", interface, address));
  request.ifr_netmask = address_of(htonl(~std::uint32_t{0} << (32U - prefix)));
  if (::ioctl(control, SIOCSIFNETMASK, &request) != 0)
    return sys::errno_error(fmt::format("{} prefix /{}", interface, prefix));
  return bring_up(control, interface);
}

/// Network devices of the machine in the order of their names, which is that of the PCI bus.
std::vector<std::string> interfaces()
{
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : sys::fs::directory_iterator("/sys/class/net", error))
    if (sys::fs::exists(entry.path() / "device", error))
      names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

} // namespace

Status bring_up_loopback()
{
  const sys::Fd control = TRY(control_socket());
  return bring_up(control.get(), "lo");
}

Status configure_network(const NetworkConfig& config)
{
  const auto all = interfaces();
  if (all.empty()) return fail(Errc::not_found, "no network device");
  const std::string& interface = all.front();
  const sys::Fd control = TRY(control_socket());
  TRY(set_address(control.get(), interface, config.address, config.prefix));
  rtentry route{};
  route.rt_dst = address_of(0);
  route.rt_genmask = address_of(0);
  route.rt_gateway = address_of(parse_address(config.gateway));
  route.rt_flags = RTF_UP | RTF_GATEWAY;
  if (::ioctl(control.get(), SIOCADDRT, &route) != 0 && errno != EEXIST)
    return sys::errno_error(fmt::format("default route by {}", config.gateway));
  return sys::write_file_atomic("/run/resolv.conf",
                                as_bytes(fmt::format("nameserver {}\n", config.dns)),
                                sys::Privacy::shared);
}

Status configure_more_networks(const std::vector<std::optional<NetworkConfig>>& configs)
{
  const auto all = interfaces();
  const sys::Fd control = TRY(control_socket());
  for (std::size_t i = 0; i < configs.size(); ++i) {
    if (i + 1 >= all.size())
      return fail(Errc::not_found, "there is no network device {}", i + 2);
    if (!configs[i]) continue;
    TRY(set_address(control.get(), all[i + 1], configs[i]->address, configs[i]->prefix));
  }
  return ok();
}

Status set_host_address(const std::string& interface, const std::string& address)
{
  constexpr unsigned alone = 32;
  const sys::Fd control = TRY(control_socket());
  return set_address(control.get(), interface, address, alone);
}

Status change_route(const std::string& interface, const std::string& host, Route change)
{
  const sys::Fd control = TRY(control_socket());
  std::string device = interface;
  rtentry route{};
  route.rt_dst = address_of(parse_address(host));
  route.rt_genmask = address_of(~std::uint32_t{0});
  route.rt_flags = RTF_UP | RTF_HOST;
  route.rt_dev = device.data();
  const bool add = change == Route::add;
  if (::ioctl(control.get(), add ? SIOCADDRT : SIOCDELRT, &route) == 0) return ok();
  if (errno == (add ? EEXIST : ESRCH)) return ok();
  return sys::errno_error(fmt::format("route to {} by {}", host, interface));
}

Status set_hostname(const std::string& name)
{
  if (::sethostname(name.data(), name.size()) != 0) return sys::errno_error("hostname");
  return ok();
}

} // namespace dstack::guest
