#pragma once
/// GUID partition tables (UEFI specification 2.10, section 5.3): 512-byte sectors, 128 entries.

#include "base/bytes.hpp"

namespace dstack::image {

constexpr std::uint64_t sector_size = 512;
constexpr std::uint64_t gpt_head_sectors = 34; ///< protective MBR, header, entries
constexpr std::uint64_t gpt_tail_sectors = 33; ///< entries, backup header

/// As stored: the first three groups are little-endian.
using Guid = std::array<std::uint8_t, 16>;
/// "0fc63daf-8483-4772-8e79-3d69d8477de4"
Result<Guid> parse_guid(std::string_view text);
std::string format_guid(const Guid& guid);

struct Partition {
  Guid type{};
  Guid id{};
  std::string name;            ///< at most 36 ASCII characters
  std::uint64_t first_lba = 0; ///< in sectors
  std::uint64_t last_lba = 0;  ///< inclusive
  std::uint64_t offset() const { return first_lba * sector_size; }
  std::uint64_t size_bytes() const { return (last_lba - first_lba + 1) * sector_size; }
};

struct PartitionTable {
  Guid disk{};
  std::vector<Partition> partitions;
};

struct GptBytes {
  Bytes head; ///< first gpt_head_sectors sectors of the disk
  Bytes tail; ///< last gpt_tail_sectors sectors
};

/// Refuses partitions that overlap each other or the tables.
Result<GptBytes> write_gpt(const PartitionTable& table, std::uint64_t disk_sectors);

/// Reads the primary table from the first gpt_head_sectors sectors; checks both checksums and that
/// every partition lies inside the disk.
Result<PartitionTable> parse_gpt(ByteView head, std::uint64_t disk_sectors);

} // namespace dstack::image
