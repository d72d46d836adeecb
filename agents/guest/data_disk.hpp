#pragma once
/// The encrypted data disk: LUKS2 with ext4 inside, mounted at /data. cryptsetup only ever sees a
/// header that lies in our memory and passed check_luks_header.

#include "base/secret.hpp"
#include "guest/processes.hpp"

namespace dstack::guest {

constexpr const char* data_mount_point = "/data";

enum class DiskState { empty, luks };

struct DataDisk {
  sys::fs::path device;
  DiskState state = DiskState::empty;
};

/// The disk named by dstack.data_device, else the partition dstack-data, else /dev/vdb. A disk that
/// holds anything but zeros or LUKS where a header goes is refused: it is not ours to overwrite.
Result<DataDisk> find_data_disk(const std::string& configured);

/// Formats an empty disk; opens, checks and mounts it. key is disk_crypt_key: cryptsetup gets its
/// lower-case hex text (64 characters, no newline) on stdin.
Status open_data_disk(Processes& processes, const DataDisk& disk, const Secret<32>& key);

/// Unmounts and closes it; called when everything that used it has ended.
Status close_data_disk(Processes& processes);

/// Bytes the file system of an ext4 superblock block spans; nothing when it is no ext4.
std::optional<std::uint64_t> ext4_size(ByteView superblock);

} // namespace dstack::guest
