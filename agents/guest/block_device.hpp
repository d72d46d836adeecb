#pragma once
/// Block devices as sysfs shows them.

#include "sys/files.hpp"

#include <chrono>

namespace dstack::guest {

struct BlockDevice {
  std::string name;            ///< "vda1"
  std::string number;          ///< "254:1"
  std::string partition_label; ///< PARTNAME, "" when it is no GPT partition or has no name
  std::string serial;          ///< what the host named the disk, "" for partitions
  std::uint64_t size_bytes = 0;
  sys::fs::path node() const { return sys::fs::path{"/dev"} / name; }
};

/// PARTNAME of a uevent file; "" when there is none.
std::string partition_name(std::string_view uevent);

/// Everything in /sys/class/block, sorted by name.
Result<std::vector<BlockDevice>> list_block_devices();

inline constexpr std::chrono::milliseconds disk_deadline{20'000}; ///< for a disk to appear
/// First device that matches, waiting for it to appear (kernel uevents) until the deadline.
Result<BlockDevice> wait_for_block_device(std::string_view what,
                                          const std::function<bool(const BlockDevice&)>& matches,
                                          std::chrono::milliseconds deadline);

} // namespace dstack::guest
