#pragma once
/// What a machine says about its load, memory, disks and network (spec guest 5), as plain values.

#include "codec/json.hpp"

#include <algorithm>

namespace dstack::guestapi {

struct Disk {
  std::string name; ///< "/dev/mapper/data"
  std::string mount_point;
  std::uint64_t total_size = 0; ///< bytes
  std::uint64_t free_size = 0;
  std::uint64_t used_size() const { return total_size - std::min(total_size, free_size); }
};

struct SystemInfo {
  std::string os_name;
  std::string os_version;
  std::string kernel_version;
  std::string cpu_model; ///< "<name> @<MHz> MHz"
  std::uint32_t num_cpus = 0;
  std::uint64_t total_memory = 0; ///< bytes, as everything below
  std::uint64_t available_memory = 0;
  std::uint64_t used_memory = 0;
  std::uint64_t free_memory = 0;
  std::uint64_t total_swap = 0;
  std::uint64_t used_swap = 0;
  std::uint64_t free_swap = 0;
  std::uint64_t uptime = 0;      ///< seconds
  std::uint32_t loadavg_one = 0; ///< hundredths, cut
  std::uint32_t loadavg_five = 0;
  std::uint32_t loadavg_fifteen = 0;
  std::vector<Disk> disks{}; ///< by mount point
};

struct InterfaceAddress {
  std::string address;
  std::uint32_t prefix = 0;
  bool operator==(const InterfaceAddress&) const = default;
};

struct Interface {
  std::string name;
  std::vector<InterfaceAddress> addresses{};
  std::uint64_t rx_bytes = 0;
  std::uint64_t tx_bytes = 0;
  std::uint64_t rx_errors = 0;
  std::uint64_t tx_errors = 0;
};

struct NetworkInfo {
  std::vector<std::string> dns_servers{};
  std::vector<std::string> gateways{};
  std::vector<Interface> interfaces{};
  std::string wg_info; ///< what `wg` prints, or why it printed nothing
};

/// The answers SysInfo and NetworkInfo, every field always there.
codec::Json to_json(const SystemInfo& info);
codec::Json to_json(const NetworkInfo& info);

} // namespace dstack::guestapi
