#include "attest/aggregates.hpp"

namespace dstack::attest {

namespace {

Sha256Digest provider_digest(ByteView key_provider)
{
  return key_provider.empty() ? Sha256Digest{} : crypto::sha256(key_provider);
}

} // namespace

Aggregates snp_aggregates(const std::array<std::uint8_t, 48>& measurement,
                          const std::array<std::uint8_t, 32>& host_data)
{
  return {crypto::sha256(measurement), crypto::sha256(concat({measurement, host_data}))};
}

Sha256Digest replay_sha256(const std::vector<RuntimeEvent>& events)
{
  Sha256Digest value{};
  for (const RuntimeEvent& event : events)
    value = crypto::sha256(concat({value, crypto::sha256(preimage_of(event))}));
  return value;
}

Aggregates gcp_aggregates(ByteView os_image_hash,
                          const Sha256Digest& pcr0,
                          const Sha256Digest& pcr2,
                          const Sha256Digest& pcr14,
                          ByteView key_provider)
{
  return {crypto::sha256(concat({os_image_hash, provider_digest(key_provider)})),
          crypto::sha256(concat({pcr0, pcr2, pcr14}))};
}

Aggregates nitro_enclave_aggregates(const Pcr48& pcr0, const Pcr48& pcr1, const Pcr48& pcr2)
{
  const Sha256Digest both = crypto::sha256(concat({pcr0, pcr1, pcr2}));
  return {both, both};
}

Aggregates aws_aggregates(const Pcr48& pcr4,
                          const Pcr48& pcr7,
                          const Pcr48& pcr12,
                          const Pcr48& pcr14,
                          ByteView key_provider)
{
  return {crypto::sha256(concat({pcr4, pcr7, pcr12, provider_digest(key_provider)})),
          crypto::sha256(concat({pcr4, pcr7, pcr12, pcr14}))};
}

Sha256Digest aws_boot_pcr_digest(const Pcr48& pcr4, const Pcr48& pcr7, const Pcr48& pcr12)
{
  return crypto::sha256(concat({pcr4, pcr7, pcr12}));
}

} // namespace dstack::attest
