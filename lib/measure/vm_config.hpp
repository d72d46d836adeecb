#pragma once
/// A VM as the host describes it to those who judge its evidence: the vm_config document (spec host
/// 1.12), and the machine it stands for.

#include "codec/json.hpp"
#include "measure/tdx.hpp"
#include "vm/command_line.hpp"

namespace dstack::measure {

inline constexpr std::size_t max_vm_config = std::size_t{1} << 20U;
inline constexpr std::uint32_t max_numa_nodes = 64;

/// Claims: nothing but a quote's registers can prove them.
struct VmConfig {
  std::uint32_t cpus = 1;
  std::uint64_t memory_bytes = std::uint64_t{2} << 30U;
  std::optional<QemuVersion> qemu{};      ///< absent: assumed_qemu
  std::optional<PageOrder> pages{};       ///< absent: as that QEMU does it
  std::optional<bool> pic{};              ///< absent: as that QEMU does it
  std::optional<KernelHeader> header{};   ///< absent: as QEMU and firmware do it
  /// How the image's firmware does it; like the one above in no document.
  KernelSource kernel_source = KernelSource::items;
  std::uint64_t pci_hole64 = 0;           ///< bytes; 0: QEMU's own
  bool hotplug = true;
  std::uint32_t nics = 1;
  std::uint32_t volumes = 0;
  std::uint32_t gpus = 0;
  std::uint32_t nvswitches = 0;
  std::uint32_t numa_nodes = 0;           ///< more than 0: memory of huge pages, bound to nodes
  /// GPUs of each node, all of them; empty: spread in order, as evenly as can be.
  std::vector<std::uint32_t> node_gpus{};
  std::optional<std::uint32_t> slots{};   ///< absent: root, data and share disk, vsock, the above
  std::string ovmf_variant{};
  bool operator==(const VmConfig&) const = default;
};

/// What is measured of a machine of ours. QEMU's version and the image's layout are for the caller
/// to add.
VmConfig vm_config_of(const vm::MachineShape& machine);

/// Errc::unsupported for what cannot be predicted: a TPM, a QEMU that is not x.y.z.
Result<VmConfig> parse_vm_config(const codec::Json& json);

/// The members that parse_vm_config reads, over those of `head`; what has its usual value is left
/// out where other hosts leave it out. What no document has is not written.
codec::Json to_json(const VmConfig& config, codec::Json head);

/// The machine QEMU makes of it.
Result<TdxShape> shape_of(const VmConfig& config);

/// GPUs of each node, as the numbers of its expanders' buses say.
std::vector<std::uint32_t> node_gpus_of(const AcpiShape& machine);

} // namespace dstack::measure
