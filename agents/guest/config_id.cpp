#include "guest/config_id.hpp"

#include "guestapi/boot_events.hpp"

namespace dstack::guest {

Status check_config_id(const attest::TdxRegisters& registers,
                       const Identity& identity,
                       const compose::AppCompose& app,
                       std::string_view key_provider,
                       std::string_view mr_config)
{
  // The identity a verifier would read from the log of this boot.
  const guestapi::BootIdentity who{to_bytes(ByteView{identity.app_id}),
                                   to_bytes(ByteView{identity.compose_hash}), identity.instance_id};
  std::vector<attest::RuntimeEvent> events;
  for (guestapi::BootEvent& event : guestapi::boot_events(who, app))
    events.push_back({std::move(event.name), std::move(event.payload)});
  events.push_back({"key-provider", to_bytes(key_provider)});
  const attest::Identity measured = TRY(attest::identity_of(events));
  switch (attest::match_config_id(registers.mr_config_id, measured, mr_config)) {
  case attest::ConfigIdMatch::unset:
  case attest::ConfigIdMatch::matches:
    return ok();
  case attest::ConfigIdMatch::unreadable:
    return fail(Errc::denied, "MRCONFIGID {} is of a document that the host does not show",
                hex(registers.mr_config_id));
  case attest::ConfigIdMatch::differs:
    break;
  }
  return fail(Errc::denied,
              "MRCONFIGID {} is not that of the app that was measured (compose hash {})",
              hex(registers.mr_config_id), hex(identity.compose_hash));
}

} // namespace dstack::guest
