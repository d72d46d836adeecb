#pragma once
/// The configuration disk of the host (FAT, label DSTACKSHR): copied once, then let go. Everything
/// on it is the host's word until it is measured.

#include "sys/files.hpp"

namespace dstack::guest {

struct SharedFiles {
  Bytes app_compose;         ///< measured as these bytes
  std::string sys_config;    ///< .sys-config.json
  std::string instance_info; ///< .instance_info, "" when absent
  Bytes encrypted_env;       ///< .encrypted-env, empty when absent
  std::string user_config;   ///< .user-config, "" when absent
};

inline constexpr std::size_t max_user_config = std::size_t{50} << 20U;
/// Where the copies are: the app's scripts may read them.
inline constexpr const char* host_shared_copies = "/run/dstack/host-shared";

/// Volume label in the boot sector of a FAT12/16/32 file system; "" when it is none.
std::string fat_label(ByteView boot_sector);

/// Takes the known files from a directory, each opened once, by its own name and without following
/// links; copies of them (0600) go to the other directory.
Result<SharedFiles> take_shared_files(const sys::fs::path& from, const sys::fs::path& copies);

/// Waits for the disk, mounts it read-only, takes the known files (regular files only, no links,
/// nothing above its limit), keeps copies below /run/dstack/host-shared (0600) and unmounts it.
Result<SharedFiles> read_config_share();

} // namespace dstack::guest
