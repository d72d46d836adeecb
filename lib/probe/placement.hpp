#pragma once
/// Fits what a VM asked of the host (store/vm_placement.hpp) to the host as it is now: on which NUMA
/// nodes its GPUs hang, and which CPUs belong to the node it is pinned to.

#include "probe/probe.hpp"
#include "store/vm_spec.hpp"

namespace dstack::probe {

/// A VM's machine as far as it is measured: TEE, CPUs, memory, networks with their ports, GPUs, bus
/// settings, the disk of container images. Errc::not_found for GPUs that are not here.
Result<vm::MachineSpec> placed_machine(const store::VmSpec& spec, const Places& places);

/// CPUs the VM may run on, "0-31,64-95": those of the first GPU's node, else of node 0. Empty when
/// it is not pinned.
Result<std::string> pinned_cpus(const store::VmSpec& spec, const Places& places);

/// Locally administered MAC address of a network device, from the VM's id (spec host 1.14).
std::string mac_of(const store::VmSpec& spec, std::size_t device);

} // namespace dstack::probe
