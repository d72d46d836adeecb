#pragma once
/// What this VM knows about itself once it has been measured.

#include "compose/app_compose.hpp"
#include "guest/sys_config.hpp"

#include <optional>

namespace dstack::guest {

inline constexpr std::string_view agent_version = "0.1.0";

/// Who the app and this instance of it are.
struct Identity {
  compose::ComposeHash compose_hash{};
  compose::AppId app_id{};
  Bytes seed{};        ///< 20 bytes
  Bytes instance_id{}; ///< 20 bytes, or empty when the app wants none
};

enum class InstanceIds { wanted, unwanted }; ///< unwanted: the app's no_instance_id

/// Whether the key material of this VM outlives a boot; without it neither does its instance id.
enum class Continuity { each_boot_new, persistent };

/// app_id is the host's word when it gives one (an updated app keeps its id; the value is
/// measured), else the start of the compose hash. fresh_seed is used when there is no seed to keep.
Identity identify(ByteView app_compose,
                  const InstanceInfo& known,
                  InstanceIds ids,
                  Continuity continuity,
                  ByteView fresh_seed);

} // namespace dstack::guest
