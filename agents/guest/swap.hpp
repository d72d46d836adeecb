#pragma once
/// Swap on the encrypted data disk: made anew at each boot, so what was in it is gone (spec guest
/// 15.2 step 10).

#include "base/bytes.hpp"

namespace dstack::guest {

/// The first page of a swap area of so many pages (Linux include/linux/swap.h, union swap_header).
Bytes swap_header(std::uint32_t pages);

/// Below the mount point of the data disk; 0 bytes: removes what an earlier boot left.
Status start_swap(const std::string& directory, std::uint64_t bytes);
Status stop_swap(const std::string& directory);

} // namespace dstack::guest
