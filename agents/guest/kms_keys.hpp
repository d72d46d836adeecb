#pragma once
/// Key provider "kms": the app's keys from a KMS that saw what this VM measured (spec guest 12.5,
/// kms 15.1).

#include "compose/app_compose.hpp"
#include "guest/facts.hpp"
#include "keys/app_keys.hpp"
#include "kmsclient/client.hpp"
#include "tee/tee.hpp"

namespace dstack::guest {

struct KmsKeys {
  keys::AppKeys app;
  Secret<32> env_crypt_key{};
  Bytes os_image_hash{};        ///< payload of that event: what the KMS checked
  std::string provider{};       ///< payload of the event key-provider
  std::string gateway_app_id{}; ///< who may route to the app
  std::uint32_t epoch = 0;
  kmsclient::Trusted kms{};
};

/// Attestations of this VM as it is now, for the keys of connections: the firmware's log, and the
/// runtime events of which there are no others.
kmsclient::Attest attestations(tee::Tee& tee,
                               std::vector<attest::TdxEvent> log,
                               const std::vector<attest::RuntimeEvent>& events,
                               const std::string& vm_config);

/// To be called after boot-mr-done and before anything else is measured: the KMS compares RTMR3
/// with the events. Errc::denied: it refuses, or it is not the one the app pins; the text has the
/// reason of every address.
Result<KmsKeys> request_kms_keys(kmsclient::Attest attest,
                                 const compose::AppCompose& app,
                                 const Identity& identity,
                                 const SysConfig& config,
                                 Time now);

/// How this VM reaches a KMS.
kmsclient::Reach kms_reach(const SysConfig& config);

} // namespace dstack::guest
