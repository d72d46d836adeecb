#pragma once
/// Which instances of an app a connection tries, in which order and when.

#include "route/app_table.hpp"

#include "base/text.hpp"

#include <functional>

namespace dstack::route {

/// What is known of an instance at this moment.
struct InstanceState {
  std::uint32_t connections = 0; ///< through this gateway, with those being made
  std::uint32_t failures = 0;    ///< attempts in a row that came to nothing
  Time last_failure{};           ///< of the same clock as `now`
  /// How long ago its WireGuard peer was heard of; absent: not known (yet), as after a restart.
  std::optional<std::int64_t> handshake_age_ms{};
  enum class Probe { none, ready, failing } probe = Probe::none; ///< of a health check, where set
  bool drained = false; ///< an operator wants no new connections here
};
using StateOf = std::function<InstanceState(std::uint32_t index)>;

struct BalanceSettings {
  std::size_t candidates = 3;                    ///< tried for one connection
  std::uint64_t max_connections_per_app = 2000;  ///< 0: no limit
  std::int64_t handshake_stale_ms = 30 * 60'000; ///< older ones are tried last
  std::int64_t retry_base_ms = 1'000; ///< a failed instance is tried last for this long, doubling
  std::int64_t retry_most_ms = 30'000;
};

struct Candidates {
  std::vector<std::uint32_t> order{}; ///< best first, at most settings.candidates
  bool proxy_protocol = false;        ///< a PROXY header goes first; all in order agree
};

/// Instances whose policy does not open the port are left out before anything is chosen. Health
/// decides first, then the fewest connections, then chance (random: any number). An app of which
/// every instance looks bad is still tried: what we know may be old. An instance named by its own
/// id is tried whatever is known of it.
std::variant<Candidates, Refusal> choose(const AppTable& table,
                                         const ToApp& route,
                                         const StateOf& state_of,
                                         const BalanceSettings& settings,
                                         Time now,
                                         std::uint64_t random);

struct RaceSettings {
  std::int64_t stagger_ms = 75; ///< the next one starts when the ones before have not answered
  std::int64_t total_ms = 5'000;
};

/// Connects to candidates one after the other, each soon after the one before, until one answers
/// (as RFC 8305 does for addresses). Holds no connection itself.
class Race {
public:
  Race(std::vector<std::uint32_t> order, const RaceSettings& settings, Time now);

  /// The candidate to begin with now, if there is one; call until it has none.
  std::optional<std::uint32_t> start(Time now);
  /// An attempt came to nothing: the next one does not wait.
  void failed();
  /// No attempt is left or the time is over.
  bool lost(Time now) const;
  /// When start() or lost() will answer differently.
  Time wake() const;

private:
  std::vector<std::uint32_t> order_;
  RaceSettings settings_;
  std::size_t started_ = 0;
  std::size_t failed_ = 0;
  Time next_{};
  Time end_{};
};

} // namespace dstack::route
