#pragma once
/// Load, memory and disks of the guest, as the host's SysInfo wants them.

#include "codec/json.hpp"

namespace dstack::guest {

/// Values of /proc/meminfo lines in bytes ("MemTotal" -> …); 0 for what is missing.
std::uint64_t meminfo_bytes(std::string_view meminfo, std::string_view key);
/// "0.52 0.48 …" -> 52, 48, …: hundredths, cut.
std::vector<std::uint64_t> load_averages(std::string_view loadavg);
/// NAME and VERSION_ID of os-release, without quotes.
std::string os_release_value(std::string_view text, std::string_view key);

/// The SysInfo answer, with the given mount points as disks.
codec::Json system_info(const std::vector<std::string>& mount_points);

} // namespace dstack::guest
