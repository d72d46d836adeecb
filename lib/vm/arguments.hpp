#pragma once
/// Pieces of the QEMU command line, for command_line.cpp alone.

#include "vm/command_line.hpp"

namespace dstack::vm {

inline constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20U;
inline constexpr std::uint64_t gibibyte = std::uint64_t{1} << 30U;

using Args = std::vector<std::string>;
void add(Args& args, std::initializer_list<std::string> more);
/// A value inside a comma-separated QEMU option: a comma in it is written twice.
std::string escaped(std::string_view value);

/// Refuses what QEMU would accept and boot differently from what was decided (check.cpp).
Status check_machine(const MachineSpec& spec);
/// Index of the network device that ports are forwarded through; networks.size() when none.
std::size_t first_user_device(const MachineSpec& spec);

// What of the host the guest gets (host_devices.cpp).
void add_bus_settings(Args& args, const MachineSpec& spec);
void add_memory(Args& args, const MachineSpec& spec);
/// Options of -machine that name the memory: "" or ",memory-backend=…".
std::string memory_of_machine(const MachineSpec& spec);
void add_passed_devices(Args& args, const MachineSpec& spec);
/// One for each node of the guest's that GPUs hang on.
std::vector<ExpanderBus> expander_buses(const MachineSpec& spec);

} // namespace dstack::vm
