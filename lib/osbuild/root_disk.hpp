#pragma once
/// rootfs.img.parted.verity: a GPT disk whose one partition holds the squashfs and, behind it, its
/// dm-verity area (spec/host 4.3).

#include "osbuild/osbuild.hpp"

namespace dstack::osbuild {

/// Where the partition, and so the squashfs, begins.
constexpr std::uint64_t root_partition_offset = std::uint64_t{1} << 20U;

struct SealedRoot {
  std::string hash; ///< hex
  std::uint64_t size_bytes = 0;
};

/// The file holds a squashfs at root_partition_offset; everything else is added.
Result<SealedRoot> seal_root_disk(const fs::path& file);

/// Reads the partition's squashfs and verity area and compares with the measured values.
Status check_root_disk(const fs::path& file, const image::RootParameters& root);

} // namespace dstack::osbuild
