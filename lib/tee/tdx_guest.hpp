#pragma once
/// Intel TDX through the kernel's interfaces (spec guest 8.3): quotes by configfs-tsm, RTMR
/// extension by sysfs or ioctl, the firmware's event log by ACPI.

#include "tee/tee.hpp"

#include <filesystem>

namespace dstack::tee {

/// Where the kernel's files are. Nothing here is read from the environment: inside a measured guest
/// the caller says where, and only tests say anything else.
struct TdxPaths {
  std::filesystem::path device = "/dev/tdx_guest";
  std::filesystem::path measurements = "/sys/devices/virtual/misc/tdx_guest/measurements";
  std::filesystem::path report = "/sys/kernel/config/tsm/report/com.intel.dcap";
  std::filesystem::path event_log = "/sys/firmware/acpi/tables/data/CCEL";
  std::filesystem::path attest_config = "/etc/tdx-attest.conf"; ///< may name a QGS
};

/// When this machine is no TDX guest, or not all of it is there, the error names everything that is
/// missing and what helps.
Result<std::unique_ptr<Tee>> make_tdx(const TdxPaths& paths);

} // namespace dstack::tee
