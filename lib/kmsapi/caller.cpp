#include "kmsapi/caller.hpp"

#include <algorithm>

namespace dstack::kmsapi {

namespace {

/// Copies as much as there is: a chip that hides its id leaves zeros, which name no device.
template <std::size_t N> std::array<std::uint8_t, N> fixed(ByteView from)
{
  std::array<std::uint8_t, N> out{};
  std::copy_n(from.begin(), std::min(from.size(), N), out.begin());
  return out;
}

} // namespace

Result<kms::BootInfo>
boot_info_of(const verify::Proven& proven, std::string_view vm_config, kms::Replay replay)
{
  const Bytes image = TRY(kms::claimed_image_hash(vm_config, proven.vm_config).within("vm_config"));
  const kms::ProvenStatus status{proven.subject.tcb_status, proven.subject.advisory_ids,
                                 proven.subject.simulated};
  if (proven.registers)
    return kms::boot_info_of(
        kms::ProvenTdx{*proven.registers, proven.events, proven.subject.platform_id}, status, image,
        replay);
  if (proven.platform == attest::Platform::amd_sev_snp)
    return kms::boot_info_of(
        kms::ProvenSnp{fixed<48>(proven.measurement), fixed<32>(proven.host_data),
                       fixed<64>(proven.subject.platform_id), proven.mr_config},
        status, image);
  return fail(Errc::unsupported, "evidence of {} cannot be judged",
              attest::name_of(proven.platform));
}

} // namespace dstack::kmsapi
