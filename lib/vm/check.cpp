// What a command line must not be made of.
#include "base/address.hpp"
#include "base/text.hpp"
#include "vm/arguments.hpp"

#include <algorithm>

namespace dstack::vm {

namespace {

constexpr std::size_t mr_config_id_bytes = 48;
constexpr std::size_t snp_host_data_bytes = 32;
constexpr std::uint32_t first_guest_cid = 3; // 0 to 2 have fixed meanings (vsock(7))
/// The slots below the first expander bus, without the host bridge and what q35 has at the end.
constexpr std::uint32_t max_slots = 15;
constexpr std::size_t max_passed = 64;

Status check_confidential(const MachineSpec& spec)
{
  if (spec.confidential == Confidential::none) return ok();
  if (spec.accelerator != Accelerator::kvm)
    return fail(Errc::config, "a confidential VM needs KVM");
  if (spec.firmware.empty())
    return fail(Errc::config, "a confidential VM needs the firmware of its image");
  const std::size_t id = spec.tdx.mr_config_id.size();
  if (spec.confidential == Confidential::tdx && id != 0 && id != mr_config_id_bytes)
    return fail(Errc::config, "mr_config_id of {} bytes (want {})", id, mr_config_id_bytes);
  const std::size_t data = spec.snp.host_data.size();
  if (spec.confidential == Confidential::snp && data != snp_host_data_bytes)
    return fail(Errc::config, "SEV-SNP host data of {} bytes (want {})", data, snp_host_data_bytes);
  return ok();
}

Status check_paths(const MachineSpec& spec)
{
  const std::pair<std::string_view, const std::string*> needed[] = {
      {"kernel", &spec.kernel},         {"initrd", &spec.initrd},
      {"root disk", &spec.root_disk},   {"data disk", &spec.data_disk},
      {"share disk", &spec.share_disk}, {"console log", &spec.console_log},
      {"QMP socket", &spec.qmp_socket},
  };
  for (const auto& [what, path] : needed)
    if (path->empty()) return fail(Errc::config, "no path of the {}", what);
  if (spec.channel == ChannelKind::serial_port && spec.channel_socket.empty())
    return fail(Errc::config, "no path of the channel socket");
  return ok();
}

Status check_networks(const MachineSpec& spec)
{
  for (const NetworkDevice& device : spec.networks)
    if (device.mode != NetworkMode::user && !is_interface_name(device.host_device))
      return fail(Errc::config, "'{}' is no name of a network device",
                  printable(device.host_device));
  const auto users = std::count_if(
      spec.networks.begin(), spec.networks.end(),
      [](const NetworkDevice& device) { return device.mode == NetworkMode::user; });
  if (users > 1) return fail(Errc::config, "{} user networks, which are all the same one", users);
  if (!spec.forwards.empty() && first_user_device(spec) == spec.networks.size())
    return fail(Errc::config, "ports are forwarded by QEMU's user network alone, and this VM has "
                              "none");
  for (const PortForward& forward : spec.forwards) {
    if (!is_ipv4_address(forward.host_address))
      return fail(Errc::config, "port on '{}': QEMU's user network forwards IPv4 addresses only",
                  printable(forward.host_address));
    if (forward.host_port == 0 || forward.vm_port == 0)
      return fail(Errc::config, "port 0 cannot be forwarded");
  }
  return ok();
}

Status check_nodes(const MachineSpec& spec)
{
  const auto& nodes = spec.hugepage_nodes;
  if (nodes.empty()) return ok();
  if (spec.confidential == Confidential::snp)
    return fail(Errc::config, "SEV-SNP VMs take ordinary memory, no huge pages");
  if (spec.memory_node) return fail(Errc::config, "huge pages and ordinary memory of one node");
  if (std::adjacent_find(nodes.begin(), nodes.end(), std::greater_equal{}) != nodes.end())
    return fail(Errc::config, "NUMA nodes out of order");
  const std::uint64_t unit = nodes.size() * gibibyte;
  if (spec.memory_bytes % unit != 0)
    return fail(Errc::config, "{} of huge pages on {} NUMA nodes (want a multiple of {})",
                format_size(spec.memory_bytes), nodes.size(), format_size(unit));
  if (spec.cpus % nodes.size() != 0)
    return fail(Errc::config, "{} CPUs on {} NUMA nodes (want a multiple of {})", spec.cpus,
                nodes.size(), nodes.size());
  for (const PassedDevice& gpu : spec.gpus)
    if (std::find(nodes.begin(), nodes.end(), gpu.host_node) == nodes.end())
      return fail(Errc::config, "GPU {} is on NUMA node {}, which gives no memory", gpu.slot,
                  gpu.host_node);
  return ok();
}

Status check_passed(const MachineSpec& spec)
{
  if (spec.gpus.size() + spec.nvswitches.size() > max_passed)
    return fail(Errc::config, "{} GPUs and switches (at most {})",
                spec.gpus.size() + spec.nvswitches.size(), max_passed);
  for (const auto* devices : {&spec.gpus, &spec.nvswitches})
    for (const PassedDevice& device : *devices)
      if (!is_pci_slot(device.slot))
        return fail(Errc::config, "'{}' is no PCI slot (want 0000:17:00.0)",
                    printable(device.slot));
  return ok();
}

bool is_hex(char c)
{
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

} // namespace

bool is_pci_slot(std::string_view text)
{
  constexpr std::string_view shape = "hhhh:hh:hh.h";
  return text.size() == shape.size() &&
         std::equal(text.begin(), text.end(), shape.begin(),
                    [](char c, char want) { return want == 'h' ? is_hex(c) : c == want; });
}

bool is_interface_name(std::string_view text)
{
  constexpr std::size_t most = 15; // IFNAMSIZ without its NUL
  return !text.empty() && text.size() <= most && text != "." && text != ".." &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  c == '-' || c == '_' || c == '.';
         });
}

std::size_t first_user_device(const MachineSpec& spec)
{
  const auto at =
      std::find_if(spec.networks.begin(), spec.networks.end(),
                   [](const NetworkDevice& one) { return one.mode == NetworkMode::user; });
  return static_cast<std::size_t>(at - spec.networks.begin());
}

Status check_devices(const MachineSpec& spec)
{
  if (spec.cpus == 0) return fail(Errc::config, "no CPU");
  if (spec.memory_bytes == 0 || spec.memory_bytes % mebibyte != 0)
    return fail(Errc::config, "{} bytes of memory (want whole MiB)", spec.memory_bytes);
  TRY(check_networks(spec));
  TRY(check_nodes(spec));
  TRY(check_passed(spec));
  const std::uint32_t slots = machine_shape(spec).slots;
  if (slots > max_slots)
    return fail(Errc::config, "{} devices on the PCI bus (at most {})", slots, max_slots);
  return ok();
}

Status check_machine(const MachineSpec& spec)
{
  TRY(check_paths(spec));
  TRY(check_confidential(spec));
  if (spec.channel == ChannelKind::vsock && spec.guest_cid < first_guest_cid)
    return fail(Errc::config, "vsock context id {} (want {} or more)", spec.guest_cid,
                first_guest_cid);
  return check_devices(spec);
}

} // namespace dstack::vm
