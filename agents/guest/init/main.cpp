/// dstack-init: /init of the initramfs. Checks the root file system against the measured root hash
/// and hands over to dstack-guest. Any failure ends in one line on the console and power off.

#include "base/text.hpp"
#include "guest/block_device.hpp"
#include "guest/cmdline.hpp"
#include "guest/console.hpp"
#include "guest/device_mapper.hpp"
#include "guest/verity_table.hpp"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace dstack::guest {

namespace {

constexpr const char* program = "dstack-init";
constexpr const char* guest_program = "/usr/lib/dstack/dstack-guest";
constexpr std::chrono::milliseconds device_deadline{20'000};
constexpr std::size_t max_text = 64 * 1024;

Status mount_on(const char* what, const char* where, const char* type, unsigned long flags)
{
  if (::mount(what, where, type, flags, nullptr) == 0) return ok();
  return sys::errno_error(fmt::format("mount {} on {}", what, where));
}

Status mount_kernel_file_systems()
{
  TRY(mount_on("devtmpfs", "/dev", "devtmpfs", MS_NOSUID));
  const sys::Fd console{::open("/dev/console", O_RDWR | O_NOCTTY | O_CLOEXEC)};
  if (!console) return sys::errno_error("open /dev/console");
  for (int fd = 0; fd <= 2; ++fd)
    ::dup2(console.get(), fd);
  TRY(mount_on("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC));
  return mount_on("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC);
}

Status load_module(const std::string& path)
{
  const sys::Fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file) return sys::errno_error("open " + path);
  if (::syscall(SYS_finit_module, file.get(), "", 0) != 0 && errno != EEXIST)
    return sys::errno_error("load " + path);
  ::unlink(path.c_str()); // its memory is the machine's
  return ok();
}

Status load_modules()
{
  const std::string order = TRY(sys::read_text("/lib/modules/order", max_text));
  for (const std::string_view line : split(order, '\n'))
    if (!trim(line).empty()) TRY(load_module(fmt::format("/lib/modules/{}", trim(line))));
  return ok();
}

Result<BlockDevice> find_root(const RootParameters& root)
{
  const std::string_view label = partition_label(root.device);
  const auto matches = [&](const BlockDevice& device) {
    return label.empty() ? device.node() == root.device : device.partition_label == label;
  };
  return wait_for_block_device(fmt::format("root file system {}", printable(root.device)), matches,
                               device_deadline);
}

Result<VeritySuperblock> read_superblock(const BlockDevice& device, std::uint64_t at)
{
  const sys::Fd file = TRY(sys::open_read(device.node()));
  Bytes block(verity_superblock_size);
  const ssize_t n = ::pread(file.get(), block.data(), block.size(), static_cast<off_t>(at));
  if (n < 0) return sys::errno_error(fmt::format("read {} at {}", device.node().string(), at));
  block.resize(static_cast<std::size_t>(n));
  return parse_verity_superblock(block, at);
}

/// The checked root, read-only, with a memory file system over it for what programs must change.
Status mount_root(const RootParameters& root)
{
  const BlockDevice device = TRY(find_root(root));
  const VeritySuperblock superblock =
      TRY(read_superblock(device, root.size_bytes).within("verity superblock of {}", device.name));
  const std::string table = verity_table(superblock, device.number, root.hash);
  const auto node = TRY(create_readonly_target("rootfs", "verity", table, root.size_bytes)
                            .within("dm-verity on {}", device.name));
  for (const char* directory : {"/run", "/run/lower", "/run/memory", "/newroot"})
    ::mkdir(directory, 0755);
  TRY(mount_on(node.c_str(), "/run/lower", "squashfs", MS_RDONLY | MS_NODEV));
  TRY(mount_on("tmpfs", "/run/memory", "tmpfs", MS_NODEV));
  ::mkdir("/run/memory/upper", 0755);
  ::mkdir("/run/memory/work", 0755);
  constexpr const char* layers =
      "lowerdir=/run/lower,upperdir=/run/memory/upper,workdir=/run/memory/work";
  if (::mount("overlay", "/newroot", "overlay", 0, layers) != 0)
    return sys::errno_error("mount the writable layer on /newroot");
  return ok();
}

Status switch_root()
{
  for (const std::string name : {"/dev", "/proc", "/sys"})
    if (::mount(name.c_str(), ("/newroot" + name).c_str(), nullptr, MS_MOVE, nullptr) != 0)
      return sys::errno_error("move " + name);
  TRY(mount_on("tmpfs", "/newroot/run", "tmpfs", MS_NOSUID | MS_NODEV));
  if (::chdir("/newroot") != 0) return sys::errno_error("chdir /newroot");
  ::unlink("/init");
  if (::mount(".", "/", nullptr, MS_MOVE, nullptr) != 0) return sys::errno_error("move the root");
  if (::chroot(".") != 0) return sys::errno_error("chroot");
  if (::chdir("/") != 0) return sys::errno_error("chdir /");
  return ok();
}

Status boot()
{
  TRY(mount_kernel_file_systems());
  const std::string text = TRY(sys::read_text("/proc/cmdline", max_text));
  const RootParameters root = TRY(root_parameters(TRY(parse_cmdline(text))));
  TRY(load_modules().within("kernel modules"));
  TRY(mount_root(root).within("root file system"));
  console_stage(program, "root file system checked and mounted");
  TRY(switch_root().within("switch to the root file system"));
  ::execl(guest_program, guest_program, nullptr);
  return sys::errno_error(fmt::format("start {}", guest_program));
}

} // namespace

} // namespace dstack::guest

int main()
{
  const auto failed = dstack::guest::boot();
  dstack::guest::power_off_saying(dstack::guest::program, failed.error().message());
}
