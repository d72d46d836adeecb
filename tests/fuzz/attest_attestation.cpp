// links: attest
#include "attest/attestation.hpp"
#include "attest/identity.hpp"

#include <cstddef>
#include <cstdint>

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const auto first = attest::parse_attestation({data, size});
  if (!first) return 0;
  static_cast<void>(attest::vm_config_of(*first));
  static_cast<void>(attest::identity_of(first->runtime_events));
  static_cast<void>(attest::identity_of_mr_config(first->mr_config));
  const bool writes =
      first->platform == attest::Platform::tdx || first->platform == attest::Platform::amd_sev_snp;
  if (!writes) return 0;
  const Bytes raw = attest::encode(*first);
  const auto again = attest::parse_attestation(raw);
  if (!again || attest::encode(*again) != raw) __builtin_trap();
  return 0;
}
