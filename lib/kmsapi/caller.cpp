#include "kmsapi/caller.hpp"

namespace dstack::kmsapi {

Result<kms::BootInfo>
boot_info_of(const verify::Proven& proven, std::string_view vm_config, kms::Replay replay)
{
  return kms::boot_info_of_proven(proven, vm_config, replay);
}

} // namespace dstack::kmsapi
