#pragma once
/// The kernel command line as words: measured, and the only input the initramfs obeys.

#include "base/bytes.hpp"

#include <map>

namespace dstack::guest {

/// Key and value of every `key=value` word (a bare word has an empty value); quotes group blanks as
/// the kernel reads them. A `dstack.` key given twice is refused.
Result<std::map<std::string, std::string>> parse_cmdline(std::string_view text);

struct RootParameters {
  std::array<std::uint8_t, 32> hash{};            ///< dstack.rootfs_hash: root of the verity tree
  std::uint64_t size_bytes = 0;                   ///< dstack.rootfs_size: where the tree starts
  std::string device = "PARTLABEL=dstack-rootfs"; ///< dstack.rootfs_device, when measured in
};

/// Refuses a missing or malformed dstack.rootfs_hash or dstack.rootfs_size.
Result<RootParameters> root_parameters(const std::map<std::string, std::string>& words);

/// "PARTLABEL=name" -> name; "" for any other form.
std::string_view partition_label(std::string_view device);

} // namespace dstack::guest
