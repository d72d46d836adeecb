#pragma once
/// What a whole environment comes down to: mr_system is platform, image and key provider,
/// mr_aggregated what was measured on top of it too (spec host 5.9, kms 9.2). TDX's are in
/// event_log.hpp. Of GCP and AWS, whose evidence dstack cannot verify yet, it is what operators can
/// compute from registers at hand.

#include "attest/event_log.hpp"

namespace dstack::attest {

struct Aggregates {
  Sha256Digest mr_system{};
  Sha256Digest mr_aggregated{};
};

/// Of a report's MEASUREMENT and HOST_DATA.
Aggregates snp_aggregates(const std::array<std::uint8_t, 48>& measurement,
                          const std::array<std::uint8_t, 32>& host_data);

using Pcr48 = std::array<std::uint8_t, 48>;

/// PCR14 of a vTPM with SHA-256: 32 zero bytes, extended with each event's digest.
Sha256Digest replay_sha256(const std::vector<RuntimeEvent>& events);

/// key_provider is that event's payload; empty when there is none or in boot-time mode.
Aggregates gcp_aggregates(ByteView os_image_hash,
                          const Sha256Digest& pcr0,
                          const Sha256Digest& pcr2,
                          const Sha256Digest& pcr14,
                          ByteView key_provider);
Aggregates nitro_enclave_aggregates(const Pcr48& pcr0, const Pcr48& pcr1, const Pcr48& pcr2);
Aggregates aws_aggregates(const Pcr48& pcr4,
                          const Pcr48& pcr7,
                          const Pcr48& pcr12,
                          const Pcr48& pcr14,
                          ByteView key_provider);
/// What names the boot of an AWS image: SHA-256 of PCR4, PCR7 and PCR12.
Sha256Digest aws_boot_pcr_digest(const Pcr48& pcr4, const Pcr48& pcr7, const Pcr48& pcr12);

} // namespace dstack::attest
