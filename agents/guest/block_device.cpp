#include "guest/block_device.hpp"

#include "base/text.hpp"
#include "sys/clock.hpp"

#include <algorithm>
#include <cerrno>
#include <dirent.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>

namespace dstack::guest {

namespace {

constexpr std::size_t max_attribute = 4096;
constexpr std::uint64_t sysfs_sector = 512; // unit of the sysfs "size", whatever the disk's own is
const std::string sysfs_block = "/sys/class/block/";

std::string attribute(const std::string& device, const char* name)
{
  const auto text = sys::read_text(sysfs_block + device + "/" + name, max_attribute);
  return text ? std::string{trim(*text)} : std::string{};
}

BlockDevice describe(const std::string& name)
{
  BlockDevice out;
  out.name = name;
  out.number = attribute(name, "dev");
  out.partition_label = partition_name(attribute(name, "uevent"));
  out.serial = attribute(name, "serial");
  const auto sectors = parse_u64(attribute(name, "size"));
  out.size_bytes = sectors ? *sectors * sysfs_sector : 0;
  return out;
}

Result<sys::Fd> listen_for_uevents()
{
  sys::Fd fd{
      ::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT)};
  if (!fd) return sys::errno_error("uevent socket");
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = 1; // events of the kernel itself
  const auto* as_sockaddr = static_cast<const sockaddr*>(static_cast<const void*>(&address));
  if (::bind(fd.get(), as_sockaddr, sizeof address) != 0) return sys::errno_error("uevent bind");
  return fd;
}

/// Waits for at least one uevent or the time given, then empties the queue.
void wait_for_uevent(int fd, std::chrono::milliseconds time)
{
  pollfd wait{fd, POLLIN, 0};
  if (::poll(&wait, 1, static_cast<int>(time.count())) <= 0) return;
  std::array<char, 8192> event{};
  while (::recv(fd, event.data(), event.size(), 0) > 0 || errno == EINTR) {
  }
}

} // namespace

std::string partition_name(std::string_view uevent)
{
  constexpr std::string_view key = "PARTNAME=";
  for (const std::string_view line : split(uevent, '\n'))
    if (line.starts_with(key)) return std::string{line.substr(key.size())};
  return {};
}

Result<std::vector<BlockDevice>> list_block_devices()
{
  const std::unique_ptr<DIR, int (*)(DIR*)> directory{::opendir(sysfs_block.c_str()), ::closedir};
  if (!directory) return sys::errno_error("open " + sysfs_block);
  std::vector<BlockDevice> out;
  while (const dirent* entry = ::readdir(directory.get()))
    if (entry->d_name[0] != '.') out.push_back(describe(entry->d_name));
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return out;
}

Result<BlockDevice> wait_for_block_device(std::string_view what,
                                          const std::function<bool(const BlockDevice&)>& matches,
                                          std::chrono::milliseconds deadline)
{
  const sys::Fd uevents = TRY(listen_for_uevents());
  const sys::Deadline until{deadline};
  while (true) {
    const std::vector<BlockDevice> devices = TRY(list_block_devices());
    const auto found = std::find_if(devices.begin(), devices.end(), matches);
    if (found != devices.end()) return *found;
    if (until.passed())
      return fail(Errc::not_found, "{} did not appear within {} ms", what, deadline.count());
    constexpr std::chrono::milliseconds look_again{250};
    wait_for_uevent(uevents.get(), std::min(until.left(), look_again));
  }
}

} // namespace dstack::guest
