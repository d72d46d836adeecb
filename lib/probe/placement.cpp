#include "probe/placement.hpp"

#include "crypto/hash.hpp"

#include <algorithm>

namespace dstack::probe {

namespace {

vm::Confidential confidential_of(store::Tee tee)
{
  switch (tee) {
  case store::Tee::sim:
    return vm::Confidential::none;
  case store::Tee::tdx:
    return vm::Confidential::tdx;
  case store::Tee::snp:
    return vm::Confidential::snp;
  }
  bug("TEE");
}

Result<std::vector<vm::PassedDevice>> passed(const std::vector<std::string>& slots,
                                             const Places& places)
{
  std::vector<vm::PassedDevice> out;
  for (const std::string& slot : slots)
    out.push_back({slot, static_cast<std::uint32_t>(TRY(pci_node(places, slot)))});
  return out;
}

/// The nodes that GPUs hang on, ascending; node 0 without any.
std::vector<std::uint32_t> nodes_of(const std::vector<vm::PassedDevice>& gpus)
{
  std::vector<std::uint32_t> out;
  for (const vm::PassedDevice& gpu : gpus)
    out.push_back(gpu.host_node);
  if (out.empty()) out.push_back(0);
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

Result<std::uint32_t> pinned_node(const store::VmSpec& spec, const Places& places)
{
  if (spec.placement.gpus.empty()) return 0U;
  return static_cast<std::uint32_t>(TRY(pci_node(places, spec.placement.gpus.front())));
}

} // namespace

Result<vm::MachineSpec> placed_machine(const store::VmSpec& spec, const Places& places)
{
  const store::VmPlacement& wanted = spec.placement;
  vm::MachineSpec out;
  out.confidential = confidential_of(spec.tee);
  out.cpus = spec.cpus;
  out.memory_bytes = spec.memory_bytes;
  out.bundle = spec.bundle;
  out.forwards = spec.ports;
  out.networks.clear();
  for (const store::VmNetwork& network : store::networks_of(wanted))
    out.networks.push_back(
        {network.mode, network.host_device, mac_of(spec, out.networks.size())});
  out.gpus = TRY(passed(wanted.gpus, places).within("GPUs"));
  out.nvswitches = TRY(passed(wanted.nvswitches, places).within("GPUs"));
  out.pci_hole64_bytes = wanted.pci_hole64_bytes;
  out.pci_hotplug = wanted.pci_hotplug;
  if (wanted.hugepages)
    out.hugepage_nodes = nodes_of(out.gpus);
  else if (wanted.pin_numa)
    out.memory_node = TRY(pinned_node(spec, places));
  return out;
}

Result<std::string> pinned_cpus(const store::VmSpec& spec, const Places& places)
{
  if (!spec.placement.pin_numa) return std::string{};
  return node_cpus(places, TRY(pinned_node(spec, places)));
}

std::string mac_of(const store::VmSpec& spec, std::size_t device)
{
  const std::string text = device == 0 ? spec.id : fmt::format("{}:{}", spec.id, device);
  const auto hash = crypto::sha256(as_bytes(text));
  return vm::mac_address({hash[0], hash[1], hash[2], hash[3], hash[4], hash[5]});
}

} // namespace dstack::probe
