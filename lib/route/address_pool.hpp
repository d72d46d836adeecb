#pragma once
/// Addresses of VMs in the gateway's WireGuard network (spec gateway 7.7). IPv4: the registration's
/// answer holds nothing else.

#include "route/ip.hpp"

namespace dstack::route {

struct PoolSettings {
  AddressInNetwork gateway{}; ///< "10.8.0.1/16": ours, and the network of all nodes
  Network clients{};          ///< "10.8.0.0/18": what this node hands out
  std::vector<Network> reserved{};
};

/// Which addresses are taken. Freed addresses are handed out again as late as possible: peers
/// elsewhere may still send to them.
class AddressPool {
public:
  /// Refuses ranges outside the network, a gateway address that nothing reserves, IPv6, and ranges
  /// of more than 2^20 addresses.
  static Result<AddressPool> create(const PoolSettings& settings);

  /// Neither network nor broadcast address, not the gateway's, not reserved, in our range.
  bool is_ours(const Address& address) const;
  /// Takes one that is known (from the state of before); false when it is not ours or not free.
  bool take(const Address& address);
  /// Errc::denied when none is left.
  Result<Address> allocate();
  void release(const Address& address);
  std::size_t taken() const { return taken_count_; }

private:
  explicit AddressPool(const PoolSettings& settings);

  PoolSettings settings_{};
  std::vector<bool> taken_{};
  std::size_t taken_count_ = 0;
  std::size_t next_ = 0; ///< where the search begins
};

} // namespace dstack::route
