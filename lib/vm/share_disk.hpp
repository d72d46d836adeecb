#pragma once
/// The read-only configuration disk of a VM: a FAT32 file system labelled DSTACKSHR, byte-exact.

#include "base/bytes.hpp"

namespace dstack::vm {

struct ShareFile {
  std::string name{};
  Bytes content{};
};

/// Bytes at a place of the disk; everything between extents is zero.
struct DiskExtent {
  std::uint64_t offset = 0;
  Bytes data{};
};

struct SparseDisk {
  std::uint64_t size_bytes = 0;
  std::vector<DiskExtent> extents{}; ///< ascending, not overlapping
};

/// Largest content the guest accepts for a file of that name (spec guest 16.1); 0 = a name the
/// guest does not know.
std::uint64_t share_file_limit(std::string_view name);

/// A pure function of the files: fixed timestamps and serial number. Refuses unknown names,
/// duplicates and files above the guest's limits, and a missing app-compose.json or
/// .sys-config.json.
Result<SparseDisk> share_disk(const std::vector<ShareFile>& files);

} // namespace dstack::vm
