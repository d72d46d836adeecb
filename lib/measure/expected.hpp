#pragma once
/// The values that a VM's registers may have when an image booted, as far as its host describes the
/// VM: for verifiers, who believe the description only when the registers match it.

#include "measure/documents.hpp"
#include "measure/vm_config.hpp"

namespace dstack::measure {

/// The machines that a vm_config may mean: one, or one for each set of tables QEMU has when it does
/// not say its version. Empty, with the reason in `unclear`, when it describes none that can be
/// predicted: RTMR0 is then not known.
struct Candidates {
  std::vector<VmConfig> machines{};
  std::string unclear{};
};
Candidates candidates_of(const codec::Json& vm_config);

/// Forms in which QEMU may have served the kernel to one of these machines; with none, those for
/// every memory size but small ones.
std::vector<KernelForm> kernel_forms(const Candidates& candidates);

/// A register's name in lower case, and what it may be.
using RegisterValues = std::pair<std::string, std::vector<crypto::Sha384Digest>>;
/// MRTD, in the orders the material has; RTMR0, when there are candidates; RTMR1, in all forms the
/// material has; RTMR2.
Result<std::vector<RegisterValues>> expected_registers(const TdxMaterial& material,
                                                       const Candidates& candidates);

/// A measurement document as vm_config carries it, with the list of files that its hash is in.
struct CarriedDocument {
  std::string checksum_file{};
  Bytes document{};
};
/// {"checksum_file": base64, "measurement": base64}
Result<CarriedDocument> read_carried(const codec::Json& object);
/// The material of the image with that hash, which the document must belong to. The kernel is known
/// in one form only: that of 2 GiB, or of 2816 MiB and more, under QEMU up to 10.1.
Result<TdxMaterial> carried_material(const CarriedDocument& carried, ByteView os_image_hash);
Result<SnpImage> carried_snp_image(const CarriedDocument& carried, ByteView os_image_hash);

/// An SEV-SNP guest's processors, as vm_config or its sev_snp_measurement says.
Result<SnpShape> parse_snp_shape(const codec::Json& vm_config);

} // namespace dstack::measure
