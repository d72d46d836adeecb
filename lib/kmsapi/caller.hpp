#pragma once
/// Who calls: the connection's address and, when its certificate carries an attestation, what that
/// proves.

#include "kms/boot_info.hpp"
#include "verify/proven.hpp"

namespace dstack::kmsapi {

struct Caller {
  std::string address{};                          ///< numeric
  std::shared_ptr<const verify::Proven> proven{}; ///< nullptr: the caller is nobody in particular
  Bytes spki{};                                   ///< of the key that the evidence vouches for
};

/// The caller as policies see it. vm_config is the request's; when it is empty, the attestation's
/// counts (spec kms 9.1).
Result<kms::BootInfo>
boot_info_of(const verify::Proven& proven, std::string_view vm_config, kms::Replay replay);

} // namespace dstack::kmsapi
