#include "measure/vm_config.hpp"

#include "base/text.hpp"
#include "codec/json_list.hpp"
#include "measure/machine_layout.hpp"

#include <algorithm>
#include <numeric>

namespace dstack::measure {

using codec::Json;

namespace {

constexpr std::uint32_t disks_and_vsock = 4; ///< root, data and share disk, vsock
constexpr std::uint32_t last_bus = 255;
constexpr std::string_view node_gpus_member = "numa_node_gpus";

Result<std::uint32_t> count(const Json& json, std::string_view key, std::uint32_t fallback)
{
  const std::uint64_t value = TRY(json.get_u64(key, fallback));
  if (value > max_acpi_cpus) return fail(Errc::malformed, "'{}' is {}", key, value);
  return static_cast<std::uint32_t>(value);
}

Result<std::optional<bool>> choice(const Json& json, std::string_view key)
{
  const Json* found = json.find(key);
  if (found == nullptr || found->is_null()) return std::optional<bool>{};
  return std::optional<bool>{TRY(found->as_bool().within("'{}'", key))};
}

/// GPUs of every node.
Result<std::vector<std::uint32_t>> gpus_of_nodes(const VmConfig& config)
{
  if (config.numa_nodes > max_numa_nodes)
    return fail(Errc::unsupported, "{} NUMA nodes (limit {})", config.numa_nodes, max_numa_nodes);
  if (config.node_gpus.empty()) {
    std::vector<std::uint32_t> out(config.numa_nodes, config.gpus / config.numa_nodes);
    std::fill_n(out.begin(), config.gpus % config.numa_nodes, out.front() + 1);
    return out;
  }
  const auto all =
      std::accumulate(config.node_gpus.begin(), config.node_gpus.end(), std::uint64_t{0});
  if (config.node_gpus.size() != config.numa_nodes || all != config.gpus)
    return fail(Errc::malformed, "{} GPUs on {} nodes (want {} on {})", all,
                config.node_gpus.size(), config.gpus, config.numa_nodes);
  return config.node_gpus;
}

/// Nodes of equal size in whole gigabytes; those with GPUs have them behind expanders, which are
/// numbered one after another.
Result<std::vector<NumaNode>> nodes_of(const VmConfig& config)
{
  const auto gpus = TRY(gpus_of_nodes(config));
  const std::uint64_t nodes = config.numa_nodes;
  const std::uint64_t each = (config.memory_bytes + nodes * gib - 1) / (nodes * gib) * gib;
  std::vector<NumaNode> out(nodes);
  std::uint32_t bus = first_expander_bus;
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i].memory_bytes = each;
    if (gpus[i] == 0) continue;
    if (bus + gpus[i] > last_bus) return fail(Errc::unsupported, "{} GPUs", config.gpus);
    out[i].expander_bus = static_cast<std::uint8_t>(bus);
    bus += gpus[i] + 1;
  }
  return out;
}

/// With more than one node, which is more than other hosts say: GPUs of each.
Status read_nodes(const Json& json, VmConfig& out)
{
  out.numa_nodes = TRY(json.get_bool("hugepages", false)) ? 1 : 0;
  if (json.find(node_gpus_member) == nullptr) return ok();
  const codec::JsonArray& items = TRY(json.need_array(node_gpus_member))->items();
  if (out.numa_nodes == 0 || items.empty() || items.size() > max_numa_nodes)
    return fail(Errc::malformed, "'{}' of {} nodes", node_gpus_member, items.size());
  for (const Json& item : items) {
    const std::uint64_t gpus = TRY(item.as_u64().within("'{}'", node_gpus_member));
    if (gpus > max_acpi_cpus) return fail(Errc::malformed, "'{}' has {}", node_gpus_member, gpus);
    out.node_gpus.push_back(static_cast<std::uint32_t>(gpus));
  }
  out.numa_nodes = static_cast<std::uint32_t>(out.node_gpus.size());
  return ok();
}

} // namespace

Result<VmConfig> parse_vm_config(const Json& json)
{
  VmConfig out;
  out.cpus = TRY(count(json, "cpu_count", 0));
  out.memory_bytes = TRY(json.get_u64("memory_size", 0));
  if (out.cpus == 0 || out.memory_bytes == 0)
    return fail(Errc::malformed, "vm_config without cpu_count or memory_size");
  if (out.memory_bytes > max_memory)
    return fail(Errc::malformed, "vm_config with {} bytes of memory", out.memory_bytes);
  const std::string qemu = TRY(json.get_string("qemu_version", ""));
  if (!qemu.empty()) out.qemu = TRY(parse_qemu_version(qemu).within("qemu_version"));
  // Named for one pass, but true means two (spec host 1.2, 5.1).
  if (const auto two = TRY(choice(json, "qemu_single_pass_add_pages")))
    out.pages = *two ? PageOrder::two_pass : PageOrder::single_pass;
  out.pic = TRY(choice(json, "pic"));
  out.pci_hole64 = TRY(json.get_u64("pci_hole64_size", 0));
  out.hotplug = !TRY(json.get_bool("hotplug_off", false));
  out.nics = TRY(count(json, "num_nics", 1));
  out.volumes = TRY(count(json, "num_verity_volumes", 0));
  out.gpus = TRY(count(json, "num_gpus", 0));
  out.nvswitches = TRY(count(json, "num_nvswitches", 0));
  TRY(read_nodes(json, out));
  out.ovmf_variant = TRY(json.get_string("ovmf_variant", ""));
  if (TRY(json.get_bool("swtpm", false)))
    return fail(Errc::unsupported, "a VM with a software TPM cannot be predicted");
  return out;
}

VmConfig vm_config_of(const vm::MachineShape& machine)
{
  VmConfig out;
  out.cpus = machine.cpus;
  out.memory_bytes = machine.memory_bytes;
  out.pci_hole64 = machine.pci_hole64_bytes;
  out.hotplug = machine.pci_hotplug;
  out.nics = machine.networks;
  out.volumes = machine.further_disks;
  out.gpus = machine.gpus;
  out.nvswitches = machine.nvswitches;
  out.numa_nodes = machine.numa_nodes;
  if (machine.numa_nodes > 1) {
    out.node_gpus.resize(machine.numa_nodes);
    for (const vm::ExpanderBus& expander : machine.expanders)
      out.node_gpus[expander.guest_node] = expander.gpus;
  }
  if (machine.slots != disks_and_vsock + out.nics + out.volumes) out.slots = machine.slots;
  return out;
}

Json to_json(const VmConfig& config, Json out)
{
  out.set("cpu_count", config.cpus).set("memory_size", config.memory_bytes);
  // Named for one pass, but true means two (spec host 1.2, 5.1).
  if (config.pages) out.set("qemu_single_pass_add_pages", *config.pages == PageOrder::two_pass);
  if (config.pic) out.set("pic", *config.pic);
  if (config.qemu) out.set("qemu_version", text_of(*config.qemu));
  out.set("pci_hole64_size", config.pci_hole64)
      .set("hugepages", config.numa_nodes > 0)
      .set("num_gpus", config.gpus)
      .set("num_nvswitches", config.nvswitches);
  if (!config.node_gpus.empty()) out.set(node_gpus_member, codec::list_of(config.node_gpus));
  if (config.nics != 1) out.set("num_nics", config.nics);
  if (config.volumes != 0) out.set("num_verity_volumes", config.volumes);
  out.set("hotplug_off", !config.hotplug);
  if (!config.ovmf_variant.empty()) out.set("ovmf_variant", config.ovmf_variant);
  return out;
}

Result<TdxShape> shape_of(const VmConfig& config)
{
  const QemuVersion qemu = config.qemu.value_or(assumed_qemu);
  TdxShape out = usual_shape(qemu, config.cpus, config.memory_bytes);
  if (qemu < oldest_qemu)
    return fail(Errc::unsupported, "QEMU {}: TDX guests need {} or later", text_of(qemu),
                text_of(oldest_qemu));
  out.pages = config.pages.value_or(out.pages);
  out.header = config.header.value_or(header_of(qemu, config.kernel_source));
  out.machine.pic = config.pic.value_or(out.machine.pic);
  out.machine.hotplug = config.hotplug;
  out.machine.pci_hole64 = config.pci_hole64;
  out.machine.slots = config.slots.value_or(disks_and_vsock + config.nics + config.volumes);
  out.machine.gpus = config.gpus;
  out.machine.nvswitches = config.nvswitches;
  if (config.numa_nodes == 0) return out;
  out.machine.nodes = TRY(nodes_of(config));
  out.machine.memory_bytes = out.machine.nodes.front().memory_bytes * out.machine.nodes.size();
  return out;
}

std::vector<std::uint32_t> node_gpus_of(const AcpiShape& machine)
{
  std::vector<std::uint32_t> out(machine.nodes.size());
  std::uint32_t left = machine.gpus; // those of the nodes from here on
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (!machine.nodes[i].expander_bus) continue;
    const auto next =
        std::find_if(machine.nodes.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                     machine.nodes.end(), [](const NumaNode& node) { return node.expander_bus; });
    out[i] = next == machine.nodes.end()
                 ? left
                 : *next->expander_bus - *machine.nodes[i].expander_bus - 1U;
    left -= std::min(left, out[i]);
  }
  return out;
}

} // namespace dstack::measure
