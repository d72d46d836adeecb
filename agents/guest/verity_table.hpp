#pragma once
/// The dm-verity superblock on disk and the table line the kernel is given
/// (Documentation/admin-guide/device-mapper/verity.rst, cryptsetup "on-disk format" version 1).

#include "base/bytes.hpp"

namespace dstack::guest {

constexpr std::size_t verity_superblock_size = 512;
constexpr std::uint32_t verity_block_size = 4096;

struct VeritySuperblock {
  std::uint64_t data_blocks = 0;
  Bytes salt;
};

/// Only what `veritysetup format` with our parameters writes: version 1, normal hashes, sha256,
/// 4096-byte blocks, as many data blocks as the command line promised.
Result<VeritySuperblock> parse_verity_superblock(ByteView block, std::uint64_t data_size_bytes);

/// Parameters of the "verity" target; device is "major:minor". A block whose hash is wrong stops
/// the machine: serving an error would let a running program meet half a root file system.
std::string
verity_table(const VeritySuperblock& superblock, std::string_view device, ByteView root_hash);

} // namespace dstack::guest
