#pragma once
/// The ACPI tables QEMU hands to the firmware of a q35 machine, byte for byte (spec host 5.5). TDX
/// firmware measures them into RTMR0 as it reads them: before it has put addresses and checksums
/// in, so both are still zero or offsets here.

#include "base/bytes.hpp"
#include "measure/qemu_version.hpp"

#include <optional>

namespace dstack::measure {

/// Releases after this line are not predicted: nobody has compared their tables.
inline constexpr QemuVersion newest_acpi_qemu{11, 1, 9'999};
inline constexpr std::uint32_t max_acpi_cpus = 4096;

/// A guest NUMA node (spec host 1.13, row 16). Nodes have equally many CPUs.
struct NumaNode {
  std::uint64_t memory_bytes = 0;
  /// Number of the node's own PCIe expander bus; the expander of node i is in PCI slot 16 + i.
  std::optional<std::uint8_t> expander_bus{};
  auto operator<=>(const NumaNode&) const = default;
};

/// What of a virtual machine its ACPI tables depend on. The defaults are a TDX machine's.
struct AcpiShape {
  QemuVersion qemu{};
  /// A confidential machine. Before 9.2 only patched QEMUs had them, and these call interrupts
  /// edge-triggered; ordinary machines of the same versions do not.
  bool tdx = true;
  std::uint32_t cpus = 1; ///< 1 to max_acpi_cpus
  std::uint64_t memory_bytes = 0;
  bool pic = false;             ///< an 8259 pair is said to exist (spec host 5.1)
  bool smm = false;             ///< system management mode: confidential machines have none
  bool hotplug = true;          ///< ACPI PCI hotplug; not QEMU's native kind
  std::uint64_t pci_hole64 = 0; ///< bytes; 0: QEMU's own 32 GiB
  std::uint32_t slots = 5;      ///< PCI slots from 1 that are taken, GPUs and NVSwitches apart
  std::uint32_t gpus = 0;       ///< each behind a root port of its own
  std::uint32_t nvswitches = 0; ///< the same
  std::vector<NumaNode> nodes{};
  /// The CPU says it is AMD's: memory that would reach the HyperTransport range below 1 TiB starts
  /// at 1 TiB. TDX machines never do; QEMU's own CPU models do.
  bool amd_cpu = false;
  auto operator<=>(const AcpiShape&) const = default;
};

/// The files of fw_cfg, with the names QEMU gives them.
struct AcpiBlobs {
  Bytes tables{}; ///< etc/acpi/tables
  Bytes loader{}; ///< etc/table-loader
  Bytes rsdp{};   ///< etc/acpi/rsdp
};

/// Errc::unsupported for shapes and versions QEMU would not start or nobody has compared.
Result<AcpiBlobs> acpi_blobs(const AcpiShape& shape);

} // namespace dstack::measure
