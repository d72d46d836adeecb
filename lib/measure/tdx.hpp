#pragma once
/// MRTD and RTMR0 to RTMR2 that TDX hardware reports for an image in a VM of a shape: what the
/// image gives, once, and what QEMU and the VM's shape make of it.

#include "measure/acpi.hpp"
#include "measure/boot_events.hpp"
#include "measure/kernel.hpp"
#include "measure/kernel_source.hpp"
#include "measure/td_hob.hpp"

#include <map>

namespace dstack::measure {

std::string_view name_of(PageOrder pages);     ///< "two-pass", "single-pass"

/// What a release of QEMU does when it is not told otherwise (spec host 5.1).
struct QemuHabits {
  PageOrder pages = PageOrder::single_pass;
  bool pic = false;
};
QemuHabits habits_of(const QemuVersion& qemu);
/// What vm_config means when it has no qemu_version.
inline constexpr QemuVersion assumed_qemu{9, 1, 0};

struct TdxShape {
  AcpiShape machine{};
  PageOrder pages = PageOrder::single_pass;
  KernelHeader header = KernelHeader::written_by_qemu;
};
/// A machine of this QEMU with everything as that QEMU does it, its kernel out of fw_cfg's items.
TdxShape usual_shape(const QemuVersion& qemu, std::uint32_t cpus, std::uint64_t memory_bytes);

/// Kernels are told apart by how they are served: 0 as in the file, else serving_class().
using KernelForm = std::uint64_t;
KernelForm kernel_form(const TdxShape& shape);

/// What an image contributes. Maps hold what somebody computed for the shapes to be predicted.
struct TdxMaterial {
  TdHobLayout hob{};
  crypto::Sha384Digest cfv{};
  std::map<PageOrder, crypto::Sha384Digest> mrtd{};
  std::map<KernelForm, crypto::Sha384Digest> kernels{};
  /// The file's header is what QEMU would write and the firmware restores it: one digest for all
  /// (spec host 8), in kernels[0].
  bool kernel_normalised = false;
  crypto::Sha384Digest cmdline{};
  crypto::Sha384Digest initrd{};
};

struct AcpiDigests {
  crypto::Sha384Digest loader{};
  crypto::Sha384Digest rsdp{};
  crypto::Sha384Digest tables{};
};
Result<AcpiDigests> acpi_digests(const AcpiShape& shape);

/// Tables of many machines, each made once: they are the same for most memory sizes.
class AcpiCache {
public:
  Result<AcpiDigests> digests(const AcpiShape& shape);

private:
  std::map<AcpiShape, AcpiDigests> known_;
};

struct TdxPrediction {
  crypto::Sha384Digest mrtd{};
  std::array<std::vector<BootEvent>, 3> events{};
  std::array<crypto::Sha384Digest, 3> rtmr{};
};

/// Errc::internal when the material lacks what the shape needs.
Result<TdxPrediction>
predict_tdx(const TdxMaterial& material, const TdxShape& shape, const AcpiDigests& acpi);
Result<TdxPrediction> predict_tdx(const TdxMaterial& material, const TdxShape& shape);

} // namespace dstack::measure
