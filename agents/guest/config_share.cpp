#include "guest/config_share.hpp"

#include "base/text.hpp"
#include "guest/block_device.hpp"
#include "guest/mounts.hpp"
#include "guest/sys_config.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

namespace dstack::guest {

namespace {

constexpr std::string_view wanted_label = "DSTACKSHR";
constexpr std::size_t max_app_compose = std::size_t{50} << 20U;
constexpr std::chrono::milliseconds disk_deadline{20'000};
constexpr const char* mount_point = "/run/dstack/share";
const sys::fs::path copies = "/run/dstack/host-shared";

bool holds_share(const BlockDevice& device)
{
  if (device.name.starts_with("loop") || device.name.starts_with("dm-")) return false;
  const auto file = sys::open_read(device.node());
  if (!file) return false;
  Bytes sector(512);
  const ssize_t n = ::pread(file->get(), sector.data(), sector.size(), 0);
  return n == static_cast<ssize_t>(sector.size()) && fat_label(sector) == wanted_label;
}

enum class Presence { required, optional };

/// One file of the share by its own name: a link, a directory or a device is refused.
Result<Bytes> take_file(int directory, const char* name, std::size_t max, Presence presence)
{
  const sys::Fd file{
      ::openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
  if (!file && errno == ENOENT && presence == Presence::optional) return Bytes{};
  if (!file) return sys::errno_error(name);
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return sys::errno_error(name);
  if (!S_ISREG(info.st_mode)) return fail(Errc::malformed, "{} is no regular file", name);
  Bytes data = TRY(sys::read_to_end(file.get(), max).within("{}", name));
  TRY(sys::write_file_atomic(copies / name, data, sys::Privacy::owner_only));
  return data;
}

Result<SharedFiles> take_files()
{
  const sys::Fd directory{::open(mount_point, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!directory) return sys::errno_error(mount_point);
  const int at = directory.get();
  SharedFiles out;
  out.app_compose = TRY(take_file(at, "app-compose.json", max_app_compose, Presence::required));
  out.sys_config =
      to_text(TRY(take_file(at, ".sys-config.json", max_sys_config, Presence::required)));
  out.instance_info =
      to_text(TRY(take_file(at, ".instance_info", max_instance_info, Presence::optional)));
  return out;
}

} // namespace

std::string fat_label(ByteView boot_sector)
{
  // Microsoft FAT specification 1.03: the label field depends on the kind of FAT, told apart by the
  // 16-bit FAT size, which is zero on FAT32.
  constexpr std::size_t sector_size = 512;
  if (boot_sector.size() < sector_size || boot_sector[510] != 0x55 || boot_sector[511] != 0xaa)
    return {};
  const bool fat32 = boot_sector[22] == 0 && boot_sector[23] == 0;
  const std::size_t extended = fat32 ? 64 : 36;
  constexpr std::uint8_t has_label = 0x29;
  if (boot_sector[extended + 2] != has_label) return {};
  const ByteView label = boot_sector.subspan(extended + 7, 11);
  if (as_text(boot_sector.subspan(extended + 18, 3)) != "FAT") return {};
  return std::string{trim(as_text(label))};
}

Result<SharedFiles> read_config_share()
{
  const BlockDevice device =
      TRY(wait_for_block_device("configuration disk DSTACKSHR", holds_share, disk_deadline));
  constexpr unsigned long flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
  TRY(sys::make_directories(copies, sys::Privacy::owner_only));
  TRY(mount_at(device.node().string(), mount_point, "vfat", flags, "utf8"));
  Result<SharedFiles> files = take_files();
  ::umount2(mount_point, MNT_DETACH);
  return std::move(files).within("configuration disk {}", device.name);
}

} // namespace dstack::guest
