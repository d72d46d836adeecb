#pragma once
/// When a VM registers again, and which of its gateways it asks first (spec gateway 8). Times are
/// milliseconds of a clock that never steps.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace dstack::gatewayclient {

class Schedule {
public:
  static constexpr std::int64_t refresh_ms = 180'000;
  /// Without a handshake for so long, WireGuard is set up anew; peers that live have one every 120
  /// s (WireGuard's REKEY_AFTER_TIME) since they send every 25.
  static constexpr std::int64_t silence_ms = 180'000;
  static constexpr std::int64_t first_retry_ms = 30'000;
  static constexpr std::int64_t longest_retry_ms = 120'000;

  explicit Schedule(std::size_t gateways) : gateways_(gateways) {}

  enum class Step {
    wait,
    refresh, ///< register; WireGuard is left alone unless the answer is another
    force    ///< register, and set WireGuard up anew even so
  };
  Step step(std::int64_t now) const;
  /// Indexes of all gateways: the one that answered last first, unless its tunnel stayed dead after
  /// it had been set up anew.
  std::vector<std::size_t> order() const;

  enum class Tunnel { none, expected };
  /// The step came to a registration with that gateway.
  void registered(std::int64_t now, Step step, std::size_t gateway, Tunnel tunnel);
  void failed(std::int64_t now);

  /// Whether it is time to look at the handshakes.
  bool wants_handshake(std::int64_t now) const;
  /// The newest handshake of all peers, as the kernel states it; 0: there was none. Only whether it
  /// is another than before counts, so that a wall clock may jump.
  void handshake(std::int64_t now, std::int64_t newest);

  bool is_registered() const { return registered_; }
  /// Nothing has been heard for too long, or never.
  bool silent(std::int64_t now) const;
  bool ever_heard() const { return handshake_ != 0; }

private:
  std::size_t gateways_;
  bool registered_ = false;
  std::int64_t last_attempt_ = 0;
  unsigned failures_ = 0; ///< since the last success
  Tunnel tunnel_ = Tunnel::none;
  std::int64_t handshake_ = 0; ///< the newest one seen
  std::int64_t heard_ = 0;     ///< when it changed, or when the tunnel was first expected
  std::int64_t last_force_ = 0;
  std::size_t preferred_ = 0;
  bool in_vain_ = false; ///< set up anew, and no handshake since
};

} // namespace dstack::gatewayclient
