#pragma once
/// What a data plane counts. Each worker has its own, written by it alone; sums are taken elsewhere.

#include "route/app_table.hpp"

#include <array>
#include <atomic>

namespace dstack::proxy {

enum class Count : std::uint8_t {
  accepted,
  full,                 ///< refused: as many connections as the plane may have
  source_too_many_open, ///< refused: of one source
  source_too_fast,
  proxy_header_refused, ///< missing, malformed, or from a peer who is not trusted to send one
  hello_rejected,       ///< not TLS, or not a ClientHello one can read
  no_certificate,       ///< refused: none for the domain (yet)
  handshakes_1_2,
  handshakes_1_3,
  handshakes_resumed, ///< of those
  handshakes_failed,
  kernel_tls, ///< connections whose answers the kernel encrypts
  challenges_answered, ///< TLS-ALPN-01
  connects,            ///< to instances, that succeeded
  connects_failed,
  connects_ms, ///< all their durations
  relayed_terminated,
  relayed_passed_through,
  terminated_bytes_in, ///< from clients, of the app's protocol
  terminated_bytes_out,
  passed_through_bytes_in,
  passed_through_bytes_out,
  spliced, ///< directions of connections that went over to splice()
  timed_out_header,
  timed_out_hello,
  timed_out_handshake,
  timed_out_connect,
  timed_out_idle,
  timed_out_total,
  broken_off, ///< relays that ended with an error of one side
  accept_failed
};
inline constexpr std::size_t count_kinds = static_cast<std::size_t>(Count::accept_failed) + 1;
std::string_view name_of(Count what);

inline constexpr std::size_t refusal_kinds =
    static_cast<std::size_t>(route::RefusedFor::unreachable) + 1;

struct Totals {
  std::array<std::uint64_t, count_kinds> counts{};
  std::array<std::uint64_t, refusal_kinds> refused{}; ///< by route::RefusedFor
  std::uint64_t live = 0;                             ///< connections now

  std::uint64_t of(Count what) const { return counts.at(static_cast<std::size_t>(what)); }
  std::uint64_t of(route::RefusedFor why) const { return refused.at(static_cast<std::size_t>(why)); }
};

/// One worker's. Read from any thread.
class alignas(64) Counters {
public:
  void add(Count what, std::uint64_t much = 1) { bump(counts_[static_cast<std::size_t>(what)], much); }
  void add(route::RefusedFor why) { bump(refused_[static_cast<std::size_t>(why)], 1); }
  void set_live(std::uint64_t live) { live_.store(live, std::memory_order_relaxed); }
  void add_to(Totals& out) const;

private:
  /// There is one writer: no locked instruction is needed.
  static void bump(std::atomic<std::uint64_t>& at, std::uint64_t much)
  {
    at.store(at.load(std::memory_order_relaxed) + much, std::memory_order_relaxed);
  }
  std::array<std::atomic<std::uint64_t>, count_kinds> counts_{};
  std::array<std::atomic<std::uint64_t>, refusal_kinds> refused_{};
  std::atomic<std::uint64_t> live_{0};
};

} // namespace dstack::proxy
