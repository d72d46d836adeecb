#pragma once
/// What the files acpi*.cpp and dsdt*.cpp share; nobody else needs it.

#include "measure/acpi.hpp"
#include "measure/aml.hpp"

namespace dstack::measure::acpi {

inline constexpr std::uint64_t gib = std::uint64_t{1} << 30U;
inline constexpr std::uint32_t pcie_config_base = 0xe0000000; ///< where firmware puts MMCONFIG
inline constexpr std::uint8_t first_expander_slot = 0x10;
/// Slot 31 has the chipset's ISA bridge, SATA and SMBus controllers.
inline constexpr std::uint32_t last_free_slot = 30;
inline constexpr std::uint8_t pins_per_slot = 4;
inline constexpr std::uint8_t device_check = 1; ///< values of Notify
inline constexpr std::uint8_t eject_request = 3;

/// Where tables changed.
inline constexpr QemuVersion qemu_9_2{9, 2, 0};
inline constexpr QemuVersion qemu_10_0{10, 0, 0};
inline constexpr QemuVersion qemu_11_0{11, 0, 0};
inline constexpr QemuVersion qemu_11_1{11, 1, 0};

/// RAM below and above 4 GiB.
struct MemoryLayout {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  std::uint64_t high_base = 0;
};
MemoryLayout memory_layout(const AcpiShape& shape);
/// Whole GiB, as QEMU rounds it.
std::uint64_t hole64_size(const AcpiShape& shape);

bool has_expanders(const AcpiShape& shape);
/// Slots of the root ports on the first bus, ascending.
std::vector<std::uint8_t> root_port_slots(const AcpiShape& shape);
bool edge_triggered(const AcpiShape& shape);
std::uint32_t node_of_cpu(const AcpiShape& shape, std::uint32_t cpu);

/// The CPU's entry in APIC, which its _MAT object repeats.
Bytes apic_entry(std::uint32_t cpu);

// Parts of the DSDT in the order of spec host 5.5.5.
aml::Code osc_method(bool native_hotplug);
aml::Code host_bridge(const AcpiShape&);       // 2, without its Scope(_SB)
aml::Code hotplug_registers(const AcpiShape&); // 3
aml::Code interrupt_routing(const AcpiShape&); // 4, 5
aml::Code cpus(const AcpiShape&);              // 7, 8
aml::Code expanders(const AcpiShape&);         // 9
aml::Code bus_windows(const AcpiShape&);       // 10
aml::Code bus_devices(const AcpiShape&);       // 13
aml::Code hotplug_events(const AcpiShape&);    // 14
/// All of it, behind the header.
Bytes dsdt_body(const AcpiShape& shape);

/// Header and body; the checksum is zero, to be set by the firmware.
Bytes table(std::string_view signature, std::uint8_t revision, ByteView body);
Bytes facs();
Bytes facp(const AcpiShape& shape, std::uint32_t dsdt);
Bytes apic(const AcpiShape& shape);
Bytes srat(const AcpiShape& shape);
Bytes mcfg();
Bytes waet();

/// Where a table lies in the blob.
struct Place {
  std::string signature{};
  std::uint32_t offset = 0;
  std::uint32_t size = 0;
};
/// The commands that place the blobs, connect them and sum them up. The last place is RSDT's.
Bytes loader(const std::vector<Place>& places);

} // namespace dstack::measure::acpi
