#pragma once
/// Fits what a VM asked of the host (store/vm_placement.hpp) to the host as it is now: on which NUMA
/// nodes its GPUs hang, and which CPUs belong to the node it is pinned to.

#include "probe/probe.hpp"
#include "store/vm_spec.hpp"

namespace dstack::supervisor {

/// Fills networks, memory nodes, GPUs and the bus settings of the machine.
Status place(vm::MachineSpec& machine, const store::VmSpec& spec, const probe::Places& places);

/// CPUs the VM may run on, "0-31,64-95": those of the first GPU's node, else of node 0. Empty when
/// it is not pinned.
Result<std::string> pinned_cpus(const store::VmSpec& spec, const probe::Places& places);

/// Locally administered MAC address of a network device, from the VM's id (spec host 1.14).
std::string mac_of(const store::VmSpec& spec, std::size_t device);

} // namespace dstack::supervisor
