#pragma once
/// Who the application is, according to the runtime events that RTMR3 vouches for (spec guest 8.4,
/// 11.3) or to the document that MRCONFIGID or HOST_DATA binds (spec guest 20).

#include "attest/attestation.hpp"

namespace dstack::attest {

struct Identity {
  Bytes app_id{};          ///< 20 bytes
  Bytes compose_hash{};    ///< 32 bytes
  Bytes instance_id{};     ///< 20 bytes, or empty for apps without one
  Bytes os_image_hash{};   ///< 32 bytes; from the event, which only a KMS' answer makes; or empty
  Bytes gpu_policy_hash{}; ///< 32 bytes; empty for images before 0.6
  Bytes key_provider{};    ///< the event's payload, JSON; empty before it happened
  std::string key_provider_name{};
  std::string key_provider_id{}; ///< hex
  std::string storage_fs{};
  std::vector<Bytes> init_script_hashes{};
  bool booted = false; ///< boot-mr-done is in the log
};

/// From the runtime events up to `system-ready`; what an app adds later is not its identity. An
/// identity event that is missing, given twice or of the wrong size is refused, and so is a V1 name
/// with a colon: its digest does not say where the name ends, so that a log could rename
/// `key-provider` and still replay.
Result<Identity> identity_of(const std::vector<RuntimeEvent>& events);
/// The runtime events of RTMR3 in a quote's event log.
std::vector<RuntimeEvent> runtime_events_of(const std::vector<TdxEvent>& log);

/// RTMR3 as it was when `boot-mr-done` was extended, or in full when it never was.
Sha384Digest replay_boot(const std::vector<RuntimeEvent>& events);

/// The MR_CONFIG document, version 3: identity of an app on SEV-SNP. Unknown keys are refused, and
/// documents without app id, compose hash or key provider.
Result<Identity> identity_of_mr_config(std::string_view document);
/// The document that comes with an attestation: its own, or the `mr_config` of its sys-config or
/// vm_config; empty when there is none.
Result<std::string> mr_config_of(const Attestation& attestation);
/// SHA-256 of "dstack-mr-config-v3:", 00 and the document's bytes.
Sha256Digest mr_config_v3_hash(std::string_view document);
/// MRCONFIGID version 3: 03 ‖ that hash ‖ 15 zero bytes.
Bytes mr_config_id_v3(std::string_view document);

/// MRCONFIGID version 2: 02 ‖ Keccak-256(compose hash ‖ app id ‖ kind of key provider ‖ its id) ‖
/// 15 zero bytes (spec guest 20).
Result<Bytes> mr_config_id_v2(const Identity& identity);

/// What MRCONFIGID says of an app.
enum class ConfigIdMatch {
  unset, ///< all zero: says nothing
  matches,
  differs,   ///< also a version of no guest
  unreadable ///< version 3 without its document
};
/// Version 3 matches when it is the document's hash and the document states nothing but what the
/// identity, taken from the event log, says too.
ConfigIdMatch match_config_id(ByteView mr_config_id,
                              const Identity& identity,
                              std::string_view mr_config_document);

} // namespace dstack::attest
