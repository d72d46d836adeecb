#include "measure/acpi_parts.hpp"
#include "measure/machine_layout.hpp"

#include <algorithm>

namespace dstack::measure {

namespace acpi {

namespace {

constexpr std::uint64_t default_hole64 = 32 * gib;
constexpr std::uint64_t hyper_transport = 0xfd00000000;
constexpr std::uint64_t one_tib = 1024 * gib;

std::uint64_t round_up(std::uint64_t value, std::uint64_t to)
{
  return (value + to - 1) / to * to;
}

} // namespace

std::uint64_t hole64_size(const AcpiShape& shape)
{
  return shape.pci_hole64 == 0 ? default_hole64 : round_up(shape.pci_hole64, gib);
}

MemoryLayout memory_layout(const AcpiShape& shape)
{
  MemoryLayout out;
  out.low = memory_below_4g(shape.memory_bytes);
  out.high = shape.memory_bytes - out.low;
  out.high_base = 4 * gib;
  const std::uint64_t size = shape.pci_hole64 == 0 ? default_hole64 : shape.pci_hole64;
  if (shape.amd_cpu && round_up(out.high_base + out.high, gib) + size > hyper_transport)
    out.high_base = one_tib;
  return out;
}

bool has_expanders(const AcpiShape& shape)
{
  return std::any_of(shape.nodes.begin(), shape.nodes.end(),
                     [](const NumaNode& node) { return node.expander_bus.has_value(); });
}

std::vector<std::uint8_t> root_port_slots(const AcpiShape& shape)
{
  // Behind expanders root ports are on the expanders' buses, which this description leaves empty.
  std::uint32_t left = shape.nvswitches + (has_expanders(shape) ? 0 : shape.gpus);
  std::vector<std::uint8_t> out;
  for (std::uint32_t slot = shape.slots + 1; slot <= last_free_slot && left > 0; ++slot) {
    const bool expander = slot >= first_expander_slot &&
                          slot - first_expander_slot < shape.nodes.size() &&
                          shape.nodes[slot - first_expander_slot].expander_bus.has_value();
    if (expander) continue;
    out.push_back(static_cast<std::uint8_t>(slot));
    --left;
  }
  return out;
}

bool edge_triggered(const AcpiShape& shape)
{
  return shape.tdx && shape.qemu < qemu_9_2;
}

std::uint32_t node_of_cpu(const AcpiShape& shape, std::uint32_t cpu)
{
  return cpu / (shape.cpus / static_cast<std::uint32_t>(shape.nodes.size()));
}

} // namespace acpi

namespace {

constexpr std::uint64_t max_acpi_memory = std::uint64_t{1} << 46U;
constexpr std::size_t tables_alignment = 0x20000;

Status check_slots(const AcpiShape& shape)
{
  const std::uint32_t free_slots =
      acpi::has_expanders(shape) ? acpi::first_expander_slot - 1U : acpi::last_free_slot;
  if (shape.slots > free_slots)
    return fail(Errc::unsupported, "{} PCI devices (limit {})", shape.slots, free_slots);
  const std::uint64_t ports =
      std::uint64_t{shape.nvswitches} + (acpi::has_expanders(shape) ? 0 : shape.gpus);
  if (ports > acpi::root_port_slots(shape).size())
    return fail(Errc::unsupported, "no PCI slots are left for {} root ports beside {} devices",
                ports, shape.slots);
  return ok();
}

Status check_nodes(const AcpiShape& shape)
{
  if (shape.nodes.empty()) return ok();
  const std::size_t limit = acpi::last_free_slot - acpi::first_expander_slot + 1;
  if (shape.nodes.size() > limit)
    return fail(Errc::unsupported, "{} NUMA nodes (limit {})", shape.nodes.size(), limit);
  if (shape.cpus % shape.nodes.size() != 0)
    return fail(Errc::unsupported, "{} CPUs cannot be shared equally by {} NUMA nodes", shape.cpus,
                shape.nodes.size());
  std::uint64_t memory = 0;
  std::uint8_t last_bus = 0;
  for (const NumaNode& node : shape.nodes) {
    if (node.memory_bytes > max_acpi_memory)
      return fail(Errc::unsupported, "a NUMA node of {} bytes", node.memory_bytes);
    memory += node.memory_bytes;
    if (!node.expander_bus) continue;
    if (*node.expander_bus <= last_bus)
      return fail(Errc::unsupported, "expander bus {} does not follow bus {}", *node.expander_bus,
                  last_bus);
    last_bus = *node.expander_bus;
  }
  if (memory != shape.memory_bytes)
    return fail(Errc::unsupported, "NUMA nodes have {} bytes together (want {})", memory,
                shape.memory_bytes);
  return ok();
}

Status check(const AcpiShape& shape)
{
  if (shape.qemu < oldest_qemu || shape.qemu > newest_acpi_qemu)
    return fail(Errc::unsupported, "QEMU {}: ACPI tables are known for {} to {}.{}",
                text_of(shape.qemu), text_of(oldest_qemu), newest_acpi_qemu.major,
                newest_acpi_qemu.minor);
  if (shape.cpus == 0 || shape.cpus > max_acpi_cpus)
    return fail(Errc::unsupported, "{} CPUs (want 1 to {})", shape.cpus, max_acpi_cpus);
  constexpr std::uint64_t least_memory = std::uint64_t{1} << 20U;
  if (shape.memory_bytes < least_memory || shape.memory_bytes > max_acpi_memory)
    return fail(Errc::unsupported, "{} bytes of memory (want {} to {})", shape.memory_bytes,
                least_memory, max_acpi_memory);
  if (shape.pci_hole64 > max_acpi_memory)
    return fail(Errc::unsupported, "a PCI hole of {} bytes (limit {})", shape.pci_hole64,
                max_acpi_memory);
  TRY(check_nodes(shape));
  return check_slots(shape);
}

/// Tables one after another, without gaps.
class Blob {
public:
  std::uint32_t size() const { return static_cast<std::uint32_t>(bytes_.size()); }
  void add(const Bytes& table)
  {
    places_.push_back({std::string{as_text(ByteView{table}.first(4))}, size(),
                       static_cast<std::uint32_t>(table.size())});
    bytes_.insert(bytes_.end(), table.begin(), table.end());
  }
  const std::vector<acpi::Place>& places() const { return places_; }
  Bytes take() { return std::move(bytes_); }

private:
  Bytes bytes_;
  std::vector<acpi::Place> places_;
};

/// Offsets of all tables that are not reached another way.
Bytes rsdt(const std::vector<acpi::Place>& places)
{
  ByteWriter out;
  for (const acpi::Place& place : places)
    if (place.signature != "FACS" && place.signature != "DSDT") out.u32le(place.offset);
  return acpi::table("RSDT", 1, out.bytes());
}

Bytes rsdp(std::uint32_t rsdt_offset)
{
  ByteWriter out;
  out.text("RSD PTR ").u8(0).text("BOCHS ").u8(0); // checksum; revision of ACPI 1.0
  return out.u32le(rsdt_offset).take();
}

} // namespace

Result<AcpiBlobs> acpi_blobs(const AcpiShape& shape)
{
  TRY(check(shape).within("machine"));
  Blob blob;
  blob.add(acpi::facs());
  const std::uint32_t dsdt = blob.size();
  blob.add(acpi::table("DSDT", 1, acpi::dsdt_body(shape)));
  blob.add(acpi::facp(shape, dsdt));
  blob.add(acpi::apic(shape));
  if (!shape.nodes.empty()) blob.add(acpi::srat(shape));
  blob.add(acpi::mcfg());
  blob.add(acpi::waet());
  blob.add(rsdt(blob.places()));
  AcpiBlobs out;
  out.loader = acpi::loader(blob.places());
  out.rsdp = rsdp(blob.places().back().offset);
  out.tables = blob.take();
  const std::size_t size = out.tables.size() + tables_alignment - 1;
  out.tables.resize(size / tables_alignment * tables_alignment);
  return out;
}

} // namespace dstack::measure
