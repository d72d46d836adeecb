// What of the host a guest gets beside its files: memory of chosen nodes, GPUs behind root ports
// (spec host 1.13, rows 6, 7, 16 to 18).
#include "vm/arguments.hpp"

#include <algorithm>

namespace dstack::vm {

namespace {

/// Expander buses stand in slots 0x10, 0x11, …; other devices never come so far.
constexpr std::uint32_t first_expander_slot = 0x10;
/// Bus number of the first expander; each root port behind one takes the next.
constexpr std::uint32_t first_expander_bus = 5;

std::size_t count_on(const std::vector<PassedDevice>& devices, std::uint32_t host_node)
{
  return static_cast<std::size_t>(
      std::count_if(devices.begin(), devices.end(),
                    [&](const PassedDevice& device) { return device.host_node == host_node; }));
}

void add_hugepage_node(Args& args, const MachineSpec& spec, std::uint32_t index)
{
  const auto nodes = static_cast<std::uint32_t>(spec.hugepage_nodes.size());
  const std::uint32_t cpus = spec.cpus / nodes;
  add(args, {"-numa", fmt::format("node,nodeid={},cpus={}-{},memdev=mem{}", index, index * cpus,
                                  (index + 1) * cpus - 1, index)});
  add(args, {"-object",
             fmt::format("memory-backend-file,id=mem{},size={}G,mem-path=/dev/hugepages,share=on,"
                         "prealloc=yes,host-nodes={},policy=bind",
                         index, spec.memory_bytes / gibibyte / nodes,
                         spec.hugepage_nodes[index])});
}

void add_expander(Args& args, const MachineSpec& spec, const ExpanderBus& expander)
{
  add(args, {"-device", fmt::format("pxb-pcie,id=pcie.node{},bus=pcie.0,addr={:#x},numa_node={},"
                                    "bus_nr={}",
                                    spec.hugepage_nodes[expander.guest_node],
                                    first_expander_slot + expander.guest_node,
                                    expander.guest_node, expander.bus)});
}

void add_passed(Args& args, const PassedDevice& device, const std::string& bus, std::size_t number)
{
  add(args, {"-device", fmt::format("pcie-root-port,id=pci.{0},bus={1},chassis={0}", number, bus)});
  add(args, {"-device", fmt::format("vfio-pci,host={},bus=pci.{},iommufd=iommufd0", device.slot,
                                    number)});
}

std::string node_policy(const MachineSpec& spec)
{
  return spec.memory_node ? fmt::format(",host-nodes={},policy=bind", *spec.memory_node) : "";
}

} // namespace

std::vector<ExpanderBus> expander_buses(const MachineSpec& spec)
{
  std::vector<ExpanderBus> out;
  std::uint32_t bus = first_expander_bus;
  for (std::uint32_t i = 0; i < spec.hugepage_nodes.size(); ++i) {
    const auto gpus = static_cast<std::uint32_t>(count_on(spec.gpus, spec.hugepage_nodes[i]));
    if (gpus == 0) continue;
    out.push_back({i, bus, gpus});
    bus += gpus + 1;
  }
  return out;
}

void add_bus_settings(Args& args, const MachineSpec& spec)
{
  if (!spec.pci_hotplug)
    add(args, {"-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off"});
  if (spec.pci_hole64_bytes > 0)
    add(args, {"-global", fmt::format("q35-pcihost.pci-hole64-size={:#x}", spec.pci_hole64_bytes)});
}

void add_memory(Args& args, const MachineSpec& spec)
{
  for (std::uint32_t i = 0; i < spec.hugepage_nodes.size(); ++i)
    add_hugepage_node(args, spec, i);
  for (const ExpanderBus& expander : expander_buses(spec))
    add_expander(args, spec, expander);
  if (!spec.hugepage_nodes.empty()) return;
  const std::uint64_t size = spec.memory_bytes / mebibyte;
  if (spec.confidential == Confidential::snp)
    add(args, {"-object", fmt::format("memory-backend-memfd,id=ram1,size={}M,share=true,"
                                      "prealloc=false{}",
                                      size, node_policy(spec))});
  else if (spec.memory_node)
    add(args, {"-object",
               fmt::format("memory-backend-ram,id=ram1,size={}M{}", size, node_policy(spec))});
}

std::string memory_of_machine(const MachineSpec& spec)
{
  const bool named = spec.hugepage_nodes.empty() &&
                     (spec.confidential == Confidential::snp || spec.memory_node);
  return named ? ",memory-backend=ram1" : "";
}

void add_passed_devices(Args& args, const MachineSpec& spec)
{
  if (spec.gpus.empty() && spec.nvswitches.empty()) return;
  add(args, {"-object", "iommufd,id=iommufd0"});
  std::size_t number = 1;
  for (const PassedDevice& gpu : spec.gpus)
    add_passed(args, gpu,
               spec.hugepage_nodes.empty() ? "pcie.0" : fmt::format("pcie.node{}", gpu.host_node),
               number++);
  for (const PassedDevice& nvswitch : spec.nvswitches)
    add_passed(args, nvswitch, "pcie.0", number++);
}

} // namespace dstack::vm
