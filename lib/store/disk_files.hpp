#pragma once
/// Disk images of a VM as sparse files.

#include "sys/files.hpp"
#include "vm/share_disk.hpp"

namespace dstack::store {

/// Writes the disk beside its place and renames it there.
Status write_disk(const std::filesystem::path& path, const vm::SparseDisk& disk);

/// Free space below which no VM is started: the guest would meet write errors in mid-flight.
inline constexpr std::uint64_t free_space_floor = std::uint64_t{256} << 20U;

/// Makes the sparse data disk, or grows it to size_bytes; shrinking is refused (Errc::config).
/// Errc::io "disk full" when fewer than free_space_floor bytes are free.
Status ensure_data_disk(const std::filesystem::path& path, std::uint64_t size_bytes);

/// Fails when fewer than `floor` bytes are free where path is.
Status need_free_space(const std::filesystem::path& path, std::uint64_t floor);

} // namespace dstack::store
