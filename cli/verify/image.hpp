#pragma once
/// --image of `dstack verify`: the values that registers have when that image booted.

#include "cli/context.hpp"
#include "store/vm_spec.hpp"
#include "verify/verify.hpp"

namespace dstack::cli {

/// The VM that evidence is of, as its host describes it.
struct DescribedVm {
  store::Tee tee = store::Tee::sim;
  codec::Json config = codec::Json::object(); ///< vm_config; as far as it decides registers
};
Result<DescribedVm> described_vm(const attest::Evidence& evidence, bool simulated);
/// The same for VMs whose registers are the same.
std::string key_of(const DescribedVm& vm);

/// What an image determines for such a VM. word is a name, a directory, or an OS image hash.
Result<verify::ImageExpectation>
expected_image(const std::string& word, const Context& ctx, const DescribedVm& vm);
/// Of an image known by its hash alone: as much as the measurements tell that come with the
/// evidence, which must belong to that image.
Result<verify::ImageExpectation> expected_by_hash(const std::string& hash, const DescribedVm& vm);

} // namespace dstack::cli
