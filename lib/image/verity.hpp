#pragma once
/// dm-verity hash tree, on-disk format version 1 of cryptsetup's veritysetup: SHA-256, 4096-byte
/// data and hash blocks, superblock in front of the tree.

#include "base/bytes.hpp"

namespace dstack::image {

constexpr std::size_t verity_block_size = 4096;

struct VerityParameters {
  std::array<std::uint8_t, 32> salt{};
  std::array<std::uint8_t, 16> uuid{};
};

struct VerityTree {
  std::array<std::uint8_t, 32> root{};
  Bytes area; ///< superblock block, then the levels from the top down
};

/// Salt and UUID of an existing area's first block; other formats, algorithms and salt sizes than
/// ours are Errc::unsupported.
Result<VerityParameters> parse_verity_superblock(ByteView block);

/// Hashes the data block by block, front to back.
class VerityBuilder {
public:
  explicit VerityBuilder(const VerityParameters& parameters) : parameters_(parameters) {}
  /// Any multiple of verity_block_size.
  Status add(ByteView blocks);
  /// The tree over everything added; at least one block is needed.
  Result<VerityTree> finish() const;

private:
  VerityParameters parameters_;
  Bytes leaves_; ///< one digest per data block
};

} // namespace dstack::image
