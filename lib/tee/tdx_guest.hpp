#pragma once
/// Intel TDX through the kernel's interfaces (spec guest 8.3): configfs-tsm for quotes, the
/// measurement registers in sysfs for RTMR extension.

#include "tee/tee.hpp"

#include <filesystem>

namespace dstack::tee {

/// Where the kernel's files are; tests put a stand-in elsewhere.
struct TdxPaths {
  std::filesystem::path measurements = "/sys/devices/virtual/misc/tdx_guest/measurements";
  std::filesystem::path report = "/sys/kernel/config/tsm/report";
  std::filesystem::path event_log = "/sys/firmware/acpi/tables/data/CCEL";
};

/// Fails with what is missing when this machine is no TDX guest.
Result<std::unique_ptr<Tee>> make_tdx(const TdxPaths& paths);

} // namespace dstack::tee
