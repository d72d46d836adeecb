#pragma once
/// The runtime events of a boot, in their order (spec guest 8.4): one list for the VM and for
/// `dstack simulate`.

#include "attest/event_log.hpp"
#include "compose/app_compose.hpp"

namespace dstack::guestapi {

struct BootEvent {
  std::string name{};
  Bytes payload{};
};

struct BootIdentity {
  Bytes app_id{};       ///< 20 bytes
  Bytes compose_hash{}; ///< 32 bytes
  Bytes instance_id{};  ///< 20 bytes, or empty
};

/// system-preparing to boot-mr-done: what a KMS decides on.
std::vector<BootEvent> boot_events(const BootIdentity& identity, const compose::AppCompose& app);

/// Payload of the key-provider event: {"name":…,"id":"<hex>"}.
std::string key_provider_payload(std::string_view name, ByteView id);

} // namespace dstack::guestapi
