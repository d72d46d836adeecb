#pragma once
/// Device-mapper targets through the kernel's own interface (linux/dm-ioctl.h), without
/// libdevmapper.

#include "sys/files.hpp"

namespace dstack::guest {

/// Creates a read-only device with one target over size_bytes and starts it; returns its node
/// (/dev/dm-N).
Result<sys::fs::path> create_readonly_target(std::string_view name,
                                             std::string_view target,
                                             std::string_view parameters,
                                             std::uint64_t size_bytes);

} // namespace dstack::guest
