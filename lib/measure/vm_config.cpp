#include "measure/vm_config.hpp"

#include "base/text.hpp"

namespace dstack::measure {

using codec::Json;

namespace {

constexpr std::uint64_t gib = std::uint64_t{1} << 30U;
constexpr std::uint32_t disks_and_vsock = 4; ///< root, data and share disk, vsock
constexpr std::uint32_t first_expander_bus = 5;
constexpr std::uint32_t last_bus = 255;

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

/// Nodes of equal size in whole gigabytes, their GPUs behind expanders numbered one after another.
Result<std::vector<NumaNode>> nodes_of(const VmConfig& config)
{
  if (config.numa_nodes > max_numa_nodes)
    return fail(Errc::unsupported, "{} NUMA nodes (limit {})", config.numa_nodes, max_numa_nodes);
  const std::uint64_t nodes = config.numa_nodes;
  const std::uint64_t each = (config.memory_bytes + nodes * gib - 1) / (nodes * gib) * gib;
  std::vector<NumaNode> out(nodes);
  std::uint32_t bus = first_expander_bus;
  for (std::uint32_t i = 0; i < out.size(); ++i) {
    const std::uint32_t gpus =
        config.gpus / config.numa_nodes + (i < config.gpus % config.numa_nodes ? 1 : 0);
    out[i].memory_bytes = each;
    if (config.gpus == 0) continue;
    if (bus + gpus > last_bus) return fail(Errc::unsupported, "{} GPUs", config.gpus);
    out[i].expander_bus = static_cast<std::uint8_t>(bus);
    bus += gpus + 1;
  }
  return out;
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
  out.numa_nodes = TRY(json.get_bool("hugepages", false)) ? 1 : 0;
  out.ovmf_variant = TRY(json.get_string("ovmf_variant", ""));
  if (TRY(json.get_bool("swtpm", false)))
    return fail(Errc::unsupported, "a VM with a software TPM cannot be predicted");
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
  out.header = config.header.value_or(out.header);
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

} // namespace dstack::measure
