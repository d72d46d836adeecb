#pragma once
/// Extending RTMR2 and RTMR3: by the measurement registers in sysfs (Documentation/ABI/testing/
/// sysfs-devices-virtual-misc-tdx_guest), or on older kernels by Intel's ioctl (spec guest 8.3).

#include "crypto/hash.hpp"

#include <filesystem>

namespace dstack::tee {

struct TdxRegisterPaths {
  std::filesystem::path measurements; ///< directory in sysfs
  std::filesystem::path device;       ///< takes the ioctl where that directory is missing
};

Status
extend_register(const TdxRegisterPaths& paths, unsigned rtmr, const crypto::Sha384Digest& digest);

} // namespace dstack::tee
