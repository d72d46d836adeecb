#pragma once
/// The gateway's WireGuard interface: the kernel's where it has one, else wireguard-go as a child.
/// Packets of one VM to another are not passed on: forwarding is switched off for it.

#include "base/secret.hpp"
#include "gateway/settings.hpp"
#include "route/wireguard.hpp"
#include "sys/spawn.hpp"

namespace dstack::gatewaynode {

/// Whether this process may make network interfaces (CAP_NET_ADMIN).
bool may_make_interfaces();

class WireGuard {
public:
  /// Makes the interface or takes over the one of that name, with our address and key.
  static Result<std::unique_ptr<WireGuard>> create(const gateway::WireGuardSettings& settings,
                                                   const Secret<32>& private_key);
  /// Takes the interface away if it was made here.
  ~WireGuard();
  WireGuard(const WireGuard&) = delete;
  WireGuard& operator=(const WireGuard&) = delete;

  /// Exactly these peers from now on; sessions of those that stay go on. Any thread.
  Status apply(const std::vector<route::WgPeer>& peers) const;
  /// Any thread.
  Result<route::WgState> state() const;
  /// Forwarding off, again: whoever sets net.ipv4.ip_forward switches it on for all interfaces.
  Status keep_apart() const;
  /// "kernel" or "wireguard-go"
  std::string_view kind() const { return child_ ? "wireguard-go" : "kernel"; }

private:
  WireGuard(gateway::WireGuardSettings settings, const Secret<32>& private_key)
      : settings_(std::move(settings)), private_key_(private_key)
  {
  }
  Status find_programs();
  Status make();
  Status set_up() const;
  Status ip(std::vector<std::string> words) const;

  gateway::WireGuardSettings settings_;
  Secret<32> private_key_;
  std::string ip_program_{};
  std::string wg_program_{};
  std::optional<sys::Child> child_{};
  bool made_ = false;
};

} // namespace dstack::gatewaynode
