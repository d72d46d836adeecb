#pragma once
/// os/packages.lock: the exact packages a guest OS is made of.

#include "base/bytes.hpp"

#include <map>
#include <vector>

namespace dstack::image {

constexpr std::size_t max_package_lock = std::size_t{4} << 20U;

struct LockedPackage {
  std::vector<std::string> roles;
  std::string name;
  std::string version;
  std::string architecture;
  std::string archive; ///< key of PackageLock::archives
  std::string path;    ///< below the archive's URL
  std::uint64_t size_bytes = 0;
  std::array<std::uint8_t, 32> sha256{};
  bool has_role(std::string_view role) const;
  /// Last component of path.
  std::string file_name() const;
};

struct PackageLock {
  std::uint32_t epoch = 0;                     ///< modification time of everything built
  std::map<std::string, std::string> archives; ///< name -> URL
  std::vector<LockedPackage> packages;
};

/// Strict; errors name the line.
Result<PackageLock> parse_package_lock(std::string_view text);

} // namespace dstack::image
