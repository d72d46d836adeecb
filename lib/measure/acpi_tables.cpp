/// The tables beside the DSDT (spec host 5.5.1; ACPI 6.5, 5.2).
#include "measure/acpi_parts.hpp"

#include <algorithm>

namespace dstack::measure::acpi {

namespace {

constexpr std::uint32_t local_apic_address = 0xfee00000;
constexpr std::uint32_t io_apic_address = 0xfec00000;
constexpr std::uint32_t first_x2apic = 255; ///< APIC ids from here need the longer entries
constexpr std::uint32_t all_cpus = 0xffffffff;

/// Generic address structure in I/O space.
void address(ByteWriter& out, std::uint8_t bits, std::uint64_t port)
{
  out.u8(1).u8(bits).u8(0).u8(0).u64le(port);
}

void no_address(ByteWriter& out)
{
  out.zeros(12);
}

/// Ports of the chipset's power management block, whose base firmware sets to 0x600.
constexpr std::uint32_t pm_event = 0x600;
constexpr std::uint32_t pm_control = 0x604;
constexpr std::uint32_t pm_timer = 0x608;
constexpr std::uint32_t gpe_block = 0x620;

void interrupt_override(ByteWriter& out, std::uint8_t irq, std::uint32_t gsi, std::uint16_t flags)
{
  out.u8(2).u8(10).u8(0).u8(irq).u32le(gsi).u16le(flags);
}

void interrupt_overrides(ByteWriter& out, const AcpiShape& shape)
{
  constexpr std::uint16_t edge_high = 5;
  constexpr std::uint16_t level_high = 0xd;
  if (edge_triggered(shape)) {
    interrupt_override(out, 0, 2, edge_high);
    for (std::uint8_t irq = 1; irq < 16; ++irq)
      interrupt_override(out, irq, irq, edge_high);
    return;
  }
  interrupt_override(out, 0, 2, 0);
  constexpr std::array<std::uint8_t, 4> pci{5, 9, 10, 11};
  for (const std::uint8_t irq : pci)
    interrupt_override(out, irq, irq, level_high);
}

void memory_affinity(ByteWriter& out, std::uint32_t node, std::uint64_t base, std::uint64_t size)
{
  const bool used = size > 0;
  out.u8(1).u8(40).u32le(used ? node : 0).u16le(0).u64le(used ? base : 0).u64le(size);
  out.u32le(0).u32le(used ? 1 : 0).u64le(0);
}

void cpu_affinity(ByteWriter& out, std::uint32_t cpu, std::uint32_t node)
{
  if (cpu < first_x2apic) {
    out.u8(0).u8(16).u8(static_cast<std::uint8_t>(node)).u8(static_cast<std::uint8_t>(cpu));
    out.u32le(1).zeros(8);
  } else {
    out.u8(2).u8(24).u16le(0).u32le(node).u32le(cpu).u32le(1).zeros(8);
  }
}

struct Range {
  std::uint32_t node = 0;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

/// Memory of the nodes in order, without the legacy hole below 1 MiB and the PCI hole.
std::vector<Range> memory_ranges(const AcpiShape& shape)
{
  constexpr std::uint64_t legacy_begin = 0xa0000;
  constexpr std::uint64_t legacy_end = 0x100000;
  const MemoryLayout memory = memory_layout(shape);
  std::vector<Range> out;
  const auto add = [&](std::uint32_t node, std::uint64_t begin, std::uint64_t end) {
    if (begin < end) out.push_back({node, begin, end});
  };
  std::uint64_t at = 0; ///< in RAM, holes not counted
  for (std::uint32_t i = 0; i < shape.nodes.size(); ++i) {
    const std::uint64_t end = at + shape.nodes[i].memory_bytes;
    const std::uint64_t low_end = std::min(end, memory.low);
    if (at < legacy_begin) add(i, at, std::min(low_end, legacy_begin));
    add(i, std::max(at, legacy_end), low_end);
    add(i, memory.high_base + std::max(at, memory.low) - memory.low,
        memory.high_base + std::max(end, memory.low) - memory.low);
    at = end;
  }
  return out;
}

} // namespace

Bytes table(std::string_view signature, std::uint8_t revision, ByteView body)
{
  constexpr std::uint32_t header_size = 36;
  ByteWriter out;
  out.text(signature).u32le(static_cast<std::uint32_t>(header_size + body.size()));
  out.u8(revision).u8(0).text("BOCHS ").text("BXPC    ").u32le(1).text("BXPC").u32le(1);
  return out.put(body).take();
}

Bytes facs()
{
  constexpr std::uint32_t size = 64;
  return ByteWriter{}.text("FACS").u32le(size).zeros(size - 8).take();
}

Bytes facp(const AcpiShape& shape, std::uint32_t dsdt)
{
  constexpr std::uint8_t smi_command = 0xb2;
  constexpr std::uint32_t flags = 0x84a5;
  constexpr std::uint32_t flag_physical_apic = 0x40000; // APIC ids beyond 8 need no clusters
  ByteWriter out;
  out.u32le(0).u32le(dsdt).u8(1).u8(0).u16le(9); // FACS; interrupt model; SCI
  out.u32le(shape.smm ? smi_command : 0);
  out.u8(shape.smm ? 2 : 0).u8(shape.smm ? 3 : 0).u16le(0); // to enable and disable ACPI
  out.u32le(pm_event).u32le(0).u32le(pm_control).u32le(0);
  out.u32le(0).u32le(pm_timer).u32le(gpe_block).u32le(0);
  out.u8(4).u8(2).u8(0).u8(4).u8(16).zeros(3);        // lengths of those blocks
  out.u16le(0xfff).u16le(0xfff).zeros(8);             // no C2 and C3
  out.u8(0x32).u16le(2).u8(0);                        // century in the RTC; an 8042 exists
  out.u32le(flags | (shape.cpus > 8 ? flag_physical_apic : 0));
  address(out, 8, 0xcf9);        // reset register and what to write there
  out.u8(0x0f).zeros(3);
  out.u64le(0).u64le(dsdt);      // FACS, DSDT
  address(out, 32, pm_event);
  no_address(out);
  address(out, 16, pm_control);
  no_address(out);
  no_address(out);
  address(out, 32, pm_timer);
  address(out, 128, gpe_block);
  no_address(out);
  return table("FACP", 3, out.bytes());
}

Bytes apic_entry(std::uint32_t cpu)
{
  ByteWriter out;
  if (cpu < first_x2apic) {
    const auto id = static_cast<std::uint8_t>(cpu);
    return out.u8(0).u8(8).u8(id).u8(id).u32le(1).take();
  }
  return out.u8(9).u8(16).u16le(0).u32le(cpu).u32le(1).u32le(cpu).take();
}

Bytes apic(const AcpiShape& shape)
{
  ByteWriter out;
  out.u32le(local_apic_address).u32le(shape.pic ? 1 : 0);
  for (std::uint32_t cpu = 0; cpu < shape.cpus; ++cpu)
    out.put(apic_entry(cpu));
  out.u8(1).u8(12).u8(0).u8(0).u32le(io_apic_address).u32le(0);
  interrupt_overrides(out, shape);
  if (shape.cpus <= first_x2apic) // NMI on LINT1 of all CPUs
    out.u8(4).u8(6).u8(0xff).u16le(0).u8(1);
  else
    out.u8(10).u8(12).u16le(0).u32le(all_cpus).u8(1).zeros(3);
  return table("APIC", 3, out.bytes());
}

Bytes srat(const AcpiShape& shape)
{
  ByteWriter out;
  out.u32le(1).u64le(0);
  for (std::uint32_t cpu = 0; cpu < shape.cpus; ++cpu)
    cpu_affinity(out, cpu, node_of_cpu(shape, cpu));
  const auto ranges = memory_ranges(shape);
  for (const Range& range : ranges)
    memory_affinity(out, range.node, range.begin, range.end - range.begin);
  // QEMU fills up to two more than there are nodes.
  for (std::size_t i = ranges.size(); i < shape.nodes.size() + 2; ++i)
    memory_affinity(out, 0, 0, 0);
  return table("SRAT", 1, out.bytes());
}

Bytes mcfg()
{
  ByteWriter out;
  out.zeros(8).u64le(pcie_config_base).u16le(0).u8(0).u8(0xff).u32le(0);
  return table("MCFG", 1, out.bytes());
}

Bytes waet()
{
  return table("WAET", 1, ByteWriter{}.u32le(2).bytes());
}

} // namespace dstack::measure::acpi
