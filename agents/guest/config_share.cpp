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
constexpr const char* mount_point = "/run/dstack/share";
constexpr std::size_t max_encrypted_env = 256 * 1024;

bool holds_share(const BlockDevice& device)
{
  if (device.name.starts_with("loop") || device.name.starts_with("dm-")) return false;
  const auto file = sys::open_read(device.node());
  if (!file) return false;
  Bytes boot_sector(512);
  const ssize_t n = ::pread(file->get(), boot_sector.data(), boot_sector.size(), 0);
  return n == static_cast<ssize_t>(boot_sector.size()) && fat_label(boot_sector) == wanted_label;
}

enum class Presence { required, optional };

class Share {
public:
  Share(sys::Fd directory, sys::fs::path copies)
      : directory_(std::move(directory)), copies_(std::move(copies))
  {
  }

  /// One file by its own name: a link, a directory or a device is refused.
  Result<Bytes> take(const char* name, std::size_t max, Presence presence) const
  {
    const sys::Fd file{::openat(directory_.get(), name,
                                O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    if (!file && errno == ENOENT && presence == Presence::optional) return Bytes{};
    if (!file) return sys::errno_error(name);
    struct stat info {};
    if (::fstat(file.get(), &info) != 0) return sys::errno_error(name);
    if (!S_ISREG(info.st_mode)) return fail(Errc::malformed, "{} is no regular file", name);
    Bytes data = TRY(sys::read_to_end(file.get(), max).within("{}", name));
    TRY(sys::write_file_atomic(copies_ / name, data, sys::Privacy::owner_only));
    return data;
  }

  Result<std::string> take_text(const char* name, std::size_t max, Presence presence) const
  {
    return to_text(TRY(take(name, max, presence)));
  }

private:
  sys::Fd directory_;
  sys::fs::path copies_;
};

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

Result<SharedFiles> take_shared_files(const sys::fs::path& from, const sys::fs::path& copies)
{
  sys::Fd directory{::open(from.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!directory) return sys::errno_error(from.string());
  TRY(sys::make_directories(copies, sys::Privacy::owner_only));
  const Share share{std::move(directory), copies};
  SharedFiles out;
  out.app_compose = TRY(share.take("app-compose.json", max_app_compose, Presence::required));
  out.sys_config = TRY(share.take_text(".sys-config.json", max_sys_config, Presence::required));
  out.instance_info = TRY(share.take_text(".instance_info", max_instance_info, Presence::optional));
  out.encrypted_env = TRY(share.take(".encrypted-env", max_encrypted_env, Presence::optional));
  out.user_config = TRY(share.take_text(".user-config", max_user_config, Presence::optional));
  return out;
}

Result<SharedFiles> read_config_share()
{
  const BlockDevice device =
      TRY(wait_for_block_device("configuration disk DSTACKSHR", holds_share, disk_deadline));
  constexpr unsigned long flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
  TRY(mount_at(device.node().string(), mount_point, "vfat", flags, "utf8"));
  Result<SharedFiles> files = take_shared_files(mount_point, host_shared_copies);
  ::umount2(mount_point, MNT_DETACH);
  return std::move(files).within("configuration disk {}", device.name);
}

} // namespace dstack::guest
