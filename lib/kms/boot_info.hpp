#pragma once
/// Who asks for keys, as policies see them: made only from what verification proved (spec kms 9).

#include "attest/identity.hpp"

namespace dstack::verify {
struct Proven;
}

namespace dstack::kms {

inline constexpr std::size_t app_id_size = 20; ///< a contract's address, too
inline constexpr std::size_t hash_size = 32;

/// Whom a decision is about: an app's VM (bootAuth/app), or a KMS (bootAuth/kms).
enum class Role { app, kms };
std::string_view name_of(Role role); ///< "app", "kms"

struct BootInfo {
  std::string tee_variant{}; ///< "dstack-tdx", "dstack-amd-sev-snp"
  Bytes mr_aggregated{};     ///< 32 bytes: the whole environment with its runtime events
  Bytes os_image_hash{};     ///< 32 bytes or empty: vm_config's claim until judge_image held
  Bytes mr_system{};         ///< 32 bytes: platform, image and key provider
  Bytes app_id{};            ///< always 20 bytes
  Bytes compose_hash{};      ///< 32 bytes
  Bytes instance_id{};       ///< 20 bytes, or empty for apps without
  Bytes device_id{};         ///< SHA-256 of PPID or chip id; empty when the chip hides its id
  Bytes key_provider_info{}; ///< the event's JSON; empty before it and in boot-time mode
  std::string tcb_status{};  ///< as the vendor names it
  std::vector<std::string> advisory_ids{};

  // Ours; never in the JSON.
  bool simulated = false; ///< made by a simulated TEE
  /// What the image determines, by the names policies use ("mrtd", "measurement"), hex. Empty when
  /// only the JSON is known.
  std::vector<std::pair<std::string, std::string>> registers{};

  const std::string* find_register(std::string_view name) const;
  bool operator==(const BootInfo&) const = default;
};

/// As webhooks get it: order and spelling of spec kms 9.1.
codec::Json to_json(const BootInfo& info);
std::string to_text(const BootInfo& info);
/// The same with what is ours: "simulated" and "registers", for logs.
codec::Json to_record(const BootInfo& info);
/// Either of the two. Unknown members are passed over; sizes are checked as boot_info_of does, and
/// 0x in front of hex is fine.
Result<BootInfo> boot_info_from_json(const codec::Json& json);

/// Which events count. A VM asks for its keys after boot-mr-done and before its key provider is
/// measured; SignCert must see it as it was then (spec kms 9.2).
enum class Replay { to_boot_mr_done, whole };

/// What every platform's verification tells.
struct ProvenStatus {
  std::string tcb_status{};
  std::vector<std::string> advisory_ids{};
  bool simulated = false;
};

/// A verified TDX quote. RTMR3 vouches for the events.
struct ProvenTdx {
  attest::TdxRegisters registers{};
  std::vector<attest::RuntimeEvent> events{};
  Bytes ppid{}; ///< of the PCK certificate
};

/// A verified SEV-SNP report. HOST_DATA must be the document's hash: that is checked here.
struct ProvenSnp {
  std::array<std::uint8_t, 48> measurement{};
  std::array<std::uint8_t, 32> host_data{};
  std::array<std::uint8_t, 64> chip_id{};
  std::string mr_config{}; ///< the document
};

/// The OS image that vm_config names: the request's when it is not empty, else the attestation's;
/// a sys-config around it is unwrapped (spec kms 9.1). A claim. Empty when none is named.
Result<Bytes> claimed_image_hash(std::string_view requested_vm_config,
                                 std::string_view attested_config);

/// Errors are Errc::untrusted: events that name no app, ids of other sizes, a document that is not
/// the one measured or names no app.
Result<BootInfo> boot_info_of(const ProvenTdx& proven,
                              const ProvenStatus& status,
                              const Bytes& os_image_hash,
                              Replay replay);
Result<BootInfo>
boot_info_of(const ProvenSnp& proven, const ProvenStatus& status, const Bytes& os_image_hash);
/// Of either. requested_vm_config is the request's, see claimed_image_hash. Errc::unsupported for
/// other TEEs, Errc::untrusted for evidence whose vendor's part was not proven.
Result<BootInfo> boot_info_of_proven(const verify::Proven& proven,
                                     std::string_view requested_vm_config,
                                     Replay replay);

} // namespace dstack::kms
