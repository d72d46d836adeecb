#pragma once
/// What a certificate says of its app beside the attestation: a MessagePack array (spec guest
/// 12.1). Nothing vouches for it but whoever signed the certificate.

#include "base/bytes.hpp"

namespace dstack::attest {

struct AppInfo {
  Bytes app_id{};
  Bytes compose_hash{};
  Bytes instance_id{};
  Bytes device_id{};
  Bytes mr_system{};
  Bytes mr_aggregated{};
  Bytes os_image_hash{};
  std::string key_provider{}; ///< payload of that event
  std::vector<Bytes> init_script_hashes{};
};

/// Always of nine.
Bytes encode(const AppInfo& info);
/// Of nine, or of eight: agents before 0.6 wrote no init script hashes.
Result<AppInfo> parse_app_info(ByteView msgpack);

} // namespace dstack::attest
