#pragma once
/// Where a VM's memory, CPUs, GPUs and network devices come from on this host: the part of vm.json
/// that is written only when something was asked for.

#include "codec/json.hpp"
#include "vm/command_line.hpp"

namespace dstack::store {

/// One network device of the VM.
struct VmNetwork {
  vm::NetworkMode mode = vm::NetworkMode::user;
  std::string host_device{}; ///< name of the bridge or tap; empty for user
  std::string address{};     ///< of the guest, "192.168.7.2/24"; empty: none (user has its own)
  std::string gateway{};     ///< numeric IPv4; empty: no default route through it
  std::string dns{};         ///< numeric IPv4; empty: the gateway
  bool operator==(const VmNetwork&) const = default;
};

struct VmPlacement {
  std::vector<VmNetwork> networks{}; ///< empty: one user network
  bool hugepages = false;
  bool pin_numa = false; ///< CPUs and memory of one node: that of the first GPU, else node 0
  std::vector<std::string> gpus{};       ///< PCI slots, "0000:17:00.0"
  std::vector<std::string> nvswitches{}; ///< the same
  std::uint64_t pci_hole64_bytes = 0;    ///< 0: QEMU's own
  bool pci_hotplug = true;
  bool operator==(const VmPlacement&) const = default;
};

/// The networks as they are, also when none was asked for.
std::vector<VmNetwork> networks_of(const VmPlacement& placement);
/// True when ports of this machine can be forwarded to the VM.
bool has_user_network(const VmPlacement& placement);

codec::Json to_json(const VmPlacement& placement);
/// Errors name the member; devices, slots and addresses are checked.
Result<VmPlacement> placement_from_json(const codec::Json& json);

/// "192.168.7.2/24": an IPv4 address with the length of its network's prefix, 1 to 32.
bool is_ipv4_with_prefix(std::string_view text);

} // namespace dstack::store
