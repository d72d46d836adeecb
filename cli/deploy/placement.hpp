#pragma once
/// What a new VM takes of this host beside memory and CPUs: network devices, huge pages, GPUs; and
/// whether it may, and whether it is there.

#include "cli/tree.hpp"
#include "config/config.hpp"
#include "host/facts.hpp"
#include "store/vm_store.hpp"

namespace dstack::cli {

struct PlacementOptions {
  std::vector<std::string> networks; ///< "user", "bridge:br0,192.168.7.2/24,192.168.7.1"
  std::vector<std::string> gpus;     ///< PCI slots, or "all"
  std::uint64_t pci_hole64_bytes = 0;
  bool hugepages = false;
  bool pin_numa = false;
  bool no_pci_hotplug = false;
};
void add_placement_options(Leaf& leaf, PlacementOptions& options);

/// "user" or "(bridge|tap):DEVICE[,ADDRESS/PREFIX[,GATEWAY[,DNS]]]".
Result<store::VmNetwork> parse_network(std::string_view text);

/// What the options ask for, with GPUs by their full slots; devices that this host does not have,
/// or that cannot be given away, are refused.
Result<store::VmPlacement> plan_placement(const PlacementOptions& options,
                                          const std::vector<host::Gpu>& gpus);

/// Refuses more CPUs or memory than the settings allow a VM (vm.max_cpus, vm.max_memory), than this
/// host has, or, of what a confidential VM keeps for itself, than is free; and huge pages, bridges
/// and taps that are not there.
Status
check_fits(const store::VmSpec& spec, const config::Config& config, const host::Facts& facts);

/// Refuses addresses on this machine's loopback for a VM without a user network, the only way
/// there.
Status check_reachable(const store::VmSpec& spec);

/// Refuses GPUs that another VM of this user runs with.
Status check_gpus_free(const store::VmSpec& spec, const std::vector<store::VmRecord>& vms);

} // namespace dstack::cli
