#pragma once
/// The attestation blob: a quote with the log and configuration that explain it, in one string of
/// bytes. Two forms, told apart by the first byte: V0 (SCALE) and V1 (MessagePack) (spec guest 10).

#include "attest/event_log.hpp"

namespace dstack::attest {

inline constexpr std::size_t max_attestation = std::size_t{10} << 20U;

/// Also the index of the variant in V0.
enum class Platform { tdx = 0, gcp_tdx = 1, nitro_enclave = 2, amd_sev_snp = 3, aws_nitro_tpm = 4 };
std::string_view name_of(Platform platform); ///< "dstack-tdx", … (spec guest 10.3)

struct Attestation {
  int version = 0; ///< 0 or 1, as it was read
  Platform platform = Platform::tdx;
  /// TDX quote, SEV-SNP report, or the signed document of the others.
  Bytes quote{};
  std::vector<TdxEvent> event_log{}; ///< TDX, on GCP too
  std::vector<Bytes> certificates{}; ///< SEV-SNP: DER, VCEK first
  std::string mr_config{};           ///< SEV-SNP: document that HOST_DATA binds
  std::vector<RuntimeEvent> runtime_events{};
  std::array<std::uint8_t, 64> report_data{};
  std::string config{};                  ///< vm_config text, or a sys-config that holds it
  std::optional<std::string> app_data{}; ///< dstack-pod: what report_data is the hash of
};

/// Reads every platform's form; GCP's TPM quote is passed over, so that nothing can be concluded
/// from such an attestation. Unknown members of V1 are passed over, missing ones refused. Errors
/// are Errc::malformed, Errc::unsupported for versions of other kinds, or Errc::untrusted for a
/// dstack-pod whose report data is not the hash of its payload.
Result<Attestation> parse_attestation(ByteView raw);
/// V0 when every runtime event is V1 and there is no app_data, else V1. TDX and SEV-SNP only.
Bytes encode(const Attestation& attestation);

/// The vm_config text itself: config may be a whole sys-config that holds it (spec guest 10.3).
Result<std::string> vm_config_of(const Attestation& attestation);

} // namespace dstack::attest
