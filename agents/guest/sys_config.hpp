#pragma once
/// What the host says about the VM: .sys-config.json and .instance_info. All of it is untrusted;
/// nothing here decides anything that is measured, except through the instance id seed.

#include "base/bytes.hpp"

#include <optional>

namespace dstack::guest {

constexpr std::size_t max_sys_config = 32 * 1024;
constexpr std::size_t max_more_networks = 16;
constexpr std::size_t max_instance_info = 10 * 1024;

struct NetworkConfig {
  std::string address; ///< "10.0.2.15"
  unsigned prefix = 0; ///< 24
  std::string gateway; ///< "" only for a further network: no default route through it
  std::string dns;     ///< "" likewise
};

struct SysConfig {
  std::string vm_config;     ///< JSON text, handed on verbatim
  std::string os_image_hash; ///< hex, from vm_config; "" when absent
  std::string mr_config;     ///< document that MRCONFIGID version 3 is the hash of; or ""
  std::string docker_registry;
  std::vector<std::string> kms_urls;     ///< read when the app's keys come from a KMS
  std::vector<std::string> gateway_urls; ///< read when the app asks for a gateway
  std::string tee = "sim";
  std::optional<NetworkConfig> network; ///< of the first device
  /// Of the second device on; nothing for one that gets no address.
  std::vector<std::optional<NetworkConfig>> more_networks;
  bool bundle = false;
  std::string hostname = "dstack";
  std::vector<std::string> insecure_registries; ///< host:port reached over plain HTTP
};

/// Unknown keys are passed over; addresses and names are checked before they reach the kernel.
Result<SysConfig> parse_sys_config(std::string_view text);

/// Each part may be missing; what is there must be hex of the right length.
struct InstanceInfo {
  Bytes instance_id_seed; ///< 20 bytes or empty
  Bytes app_id;           ///< 20 bytes or empty
};
Result<InstanceInfo> parse_instance_info(std::string_view text);

/// The line the host keeps for the next boot (notification "instance.info").
std::string write_instance_info(ByteView seed, ByteView instance_id, ByteView app_id);

} // namespace dstack::guest
