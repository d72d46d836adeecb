#include "guest/data_disk.hpp"

#include "guest/block_device.hpp"
#include "guest/cmdline.hpp"
#include "guest/luks_header.hpp"
#include "guest/mounts.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

namespace dstack::guest {

namespace {

using sys::fs::path;

constexpr const char* mapping = "dstack_data_disk";
constexpr const char* mapped_device = "/dev/mapper/dstack_data_disk";
const path header_directory = "/run/dstack/luks";
const path header_copy = "/run/dstack/luks/header";
constexpr std::chrono::milliseconds tool_deadline{120'000};
constexpr std::chrono::milliseconds check_deadline{900'000}; ///< e2fsck of a large disk
constexpr std::size_t read_size = std::size_t{1} << 20U;
constexpr std::size_t ext4_superblock_at = 1024;

Result<Bytes> read_at(int fd, std::size_t offset, std::size_t size)
{
  Bytes out(size);
  std::size_t got = 0;
  while (got < size) {
    const ssize_t n = ::pread(fd, out.data() + got, size - got, static_cast<off_t>(offset + got));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return sys::errno_error(fmt::format("read at {}", offset + got));
    if (n == 0) break;
    got += static_cast<std::size_t>(n);
  }
  out.resize(got);
  return out;
}

Result<DiskState> state_of(const path& device)
{
  const sys::Fd file = TRY(sys::open_read(device));
  const Bytes start = TRY(read_at(file.get(), 0, read_size).within("{}", device.string()));
  if (start.size() < read_size) return fail(Errc::unsupported, "{} is too small", device.string());
  if (has_luks_magic(start)) return DiskState::luks;
  if (all_zero(start)) return DiskState::empty;
  return fail(Errc::unsupported, "{} holds data that is no LUKS volume; it is not overwritten",
              device.string());
}

sys::Command tool(std::vector<std::string> argv)
{
  sys::Command command;
  command.argv = std::move(argv);
  return command;
}

Bytes passphrase(const Secret<32>& key)
{
  // Not through hex(): its text would stay behind in memory.
  constexpr std::string_view digits = "0123456789abcdef";
  Bytes out;
  out.reserve(2 * key.view().size()); // growing would leave copies behind, too
  for (const std::uint8_t byte : key.view()) {
    out.push_back(static_cast<std::uint8_t>(digits[byte >> 4U]));
    out.push_back(static_cast<std::uint8_t>(digits[byte & 0xfU]));
  }
  return out;
}

Status format(Processes& processes, const path& device, const Secret<32>& key)
{
  // The key has 256 bits: stretching it buys nothing, and costs each boot a second.
  const auto command =
      tool({"cryptsetup", "luksFormat", "--batch-mode", "--type=luks2", "--offset=32768",
            "--sector-size=512", "--cipher=aes-xts-plain64", "--key-size=512", "--hash=sha256",
            "--pbkdf=pbkdf2", "--pbkdf-force-iterations=1000", "--key-file=-", device.string()});
  Bytes phrase = passphrase(key);
  Result<std::string> done = processes.run(command, phrase, tool_deadline);
  wipe(phrase);
  TRY(std::move(done));
  return ok();
}

/// Copies header and key area into memory, leaving stretches of zeros out.
Status copy_header(const path& device)
{
  const sys::Fd from = TRY(sys::open_read(device));
  TRY(sys::make_directories(header_directory, sys::Privacy::owner_only));
  sys::fs::remove(header_copy);
  const sys::Fd to = TRY(sys::create_new(header_copy, sys::Privacy::owner_only));
  if (::ftruncate(to.get(), static_cast<off_t>(luks_data_offset)) != 0)
    return sys::errno_error("header copy");
  for (std::size_t at = 0; at < luks_data_offset; at += read_size) {
    const Bytes data = TRY(read_at(from.get(), at, read_size).within("{}", device.string()));
    if (data.size() != read_size)
      return fail(Errc::untrusted, "{} ends inside the LUKS header", device.string());
    if (all_zero(data)) continue;
    if (::lseek(to.get(), static_cast<off_t>(at), SEEK_SET) < 0) return sys::errno_error("seek");
    TRY(sys::write_all(to.get(), data).within("header copy"));
  }
  return ok();
}

Status check_header_copy()
{
  const Bytes copy = TRY(sys::read_file(header_copy, luks_data_offset));
  return check_luks_header(copy);
}

Status open_mapping(Processes& processes, const path& device, const Secret<32>& key)
{
  const auto command =
      tool({"cryptsetup", "luksOpen", "--batch-mode", "--type=luks2",
            "--header=" + header_copy.string(), "--key-file=-", device.string(), mapping});
  Bytes phrase = passphrase(key);
  Result<std::string> done = processes.run(command, phrase, tool_deadline);
  wipe(phrase);
  TRY(std::move(done).within("the key of this VM does not open {}", device.string()));
  return ok();
}

Status make_file_system(Processes& processes)
{
  TRY(processes.run(tool({"mke2fs", "-t", "ext4", "-q", "-F", "-E",
                          "lazy_itable_init=1,lazy_journal_init=1,nodiscard", mapped_device}),
                    {}, tool_deadline));
  return ok();
}

Status check_file_system(Processes& processes)
{
  const Finished checked =
      TRY(processes.finish(tool({"e2fsck", "-f", "-p", mapped_device}), {}, check_deadline));
  constexpr int repaired = 1; // the file system is sound now
  if (checked.state.success() || (checked.state.signal == 0 && checked.state.code == repaired))
    return ok();
  return fail(Errc::io, "e2fsck {}: {}", checked.state.describe(), last_lines(checked.tail));
}

Status grow_file_system(Processes& processes)
{
  const sys::Fd file = TRY(sys::open_read(mapped_device));
  const off_t device_size = ::lseek(file.get(), 0, SEEK_END);
  const Bytes superblock = TRY(read_at(file.get(), ext4_superblock_at, 1024));
  const auto size = ext4_size(superblock);
  if (!size) return fail(Errc::malformed, "the data disk opened, but holds no ext4");
  constexpr std::uint64_t block = 4096;
  if (device_size < 0 || static_cast<std::uint64_t>(device_size) < *size + block) return ok();
  TRY(processes.run(tool({"resize2fs", mapped_device}), {}, check_deadline));
  return ok();
}

} // namespace

std::optional<std::uint64_t> ext4_size(ByteView superblock)
{
  // ext4 disk layout: s_blocks_count_lo at 4, s_log_block_size at 24, s_magic at 56,
  // s_feature_incompat at 96 (0x80 = 64-bit), s_blocks_count_hi at 336.
  constexpr std::size_t needed = 340;
  constexpr std::uint32_t max_log_block = 6;
  if (superblock.size() < needed) return std::nullopt;
  const auto word = [&](std::size_t at) {
    ByteReader in{superblock.subspan(at)};
    return *in.u32le();
  };
  if ((word(56) & 0xffffU) != 0xef53U || word(24) > max_log_block) return std::nullopt;
  const std::uint64_t high = (word(96) & 0x80U) != 0 ? word(336) & 0xffffU : 0;
  return ((high << 32U) | word(4)) * (std::uint64_t{1024} << word(24));
}

Result<DataDisk> find_data_disk(const std::string& configured)
{
  const std::string_view label =
      configured.empty() ? std::string_view{"dstack-data"} : partition_label(configured);
  const std::string node = configured.starts_with("/dev/") ? configured : "/dev/vdb";
  const auto labelled = [&](const BlockDevice& device) {
    return !label.empty() && device.partition_label == label;
  };
  const std::vector<BlockDevice> now = TRY(list_block_devices());
  const auto found = std::find_if(now.begin(), now.end(), labelled);
  DataDisk out;
  if (found != now.end()) {
    out.device = found->node();
  } else {
    const auto named = [&](const BlockDevice& device) { return device.node() == node; };
    out.device = TRY(wait_for_block_device("data disk " + node, named, disk_deadline)).node();
  }
  out.state = TRY(state_of(out.device).within("data disk"));
  return out;
}

Status open_data_disk(Processes& processes, const DataDisk& disk, const Secret<32>& key)
{
  if (disk.state == DiskState::empty)
    TRY(format(processes, disk.device, key).within("format the data disk"));
  TRY(copy_header(disk.device).within("copy the LUKS header"));
  TRY(check_header_copy().within("data disk refused"));
  TRY(open_mapping(processes, disk.device, key));
  if (disk.state == DiskState::empty) {
    TRY(make_file_system(processes).within("make the file system of the data disk"));
  } else {
    TRY(check_file_system(processes).within("check the file system of the data disk"));
    TRY(grow_file_system(processes).within("grow the file system of the data disk"));
  }
  // No discards: they would show the host which blocks the app uses.
  return mount_at(mapped_device, data_mount_point, "ext4", MS_NOATIME, "");
}

Status close_data_disk(Processes& processes)
{
  constexpr std::chrono::milliseconds close_deadline{20'000};
  if (::umount2(data_mount_point, 0) != 0 && errno != EINVAL && errno != ENOENT)
    return sys::errno_error(fmt::format("unmount {}", data_mount_point));
  TRY(processes.run(tool({"cryptsetup", "luksClose", mapping}), {}, close_deadline));
  return ok();
}

} // namespace dstack::guest
