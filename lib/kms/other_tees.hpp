#pragma once
/// The two aggregates of TEEs whose evidence dstack cannot verify yet (spec kms 9.2): what their
/// BootInfo will hold, and what operators can compute from registers at hand.

#include "attest/event_log.hpp"

namespace dstack::kms {

struct Aggregates {
  crypto::Sha256Digest mr_system{};
  crypto::Sha256Digest mr_aggregated{};
};

using Pcr48 = std::array<std::uint8_t, 48>;

/// PCR14 of a vTPM with SHA-256: 32 zero bytes, extended with each event's digest.
crypto::Sha256Digest replay_sha256(const std::vector<attest::RuntimeEvent>& events);

/// key_provider is that event's payload; empty when there is none or in boot-time mode.
Aggregates gcp_aggregates(ByteView os_image_hash,
                          const crypto::Sha256Digest& pcr0,
                          const crypto::Sha256Digest& pcr2,
                          const crypto::Sha256Digest& pcr14,
                          ByteView key_provider);
Aggregates nitro_enclave_aggregates(const Pcr48& pcr0, const Pcr48& pcr1, const Pcr48& pcr2);
Aggregates aws_aggregates(const Pcr48& pcr4,
                          const Pcr48& pcr7,
                          const Pcr48& pcr12,
                          const Pcr48& pcr14,
                          ByteView key_provider);
/// What names the boot of an AWS image: SHA-256 of PCR4, PCR7 and PCR12.
crypto::Sha256Digest aws_boot_pcr_digest(const Pcr48& pcr4, const Pcr48& pcr7, const Pcr48& pcr12);

} // namespace dstack::kms
