#include "route/balance.hpp"

#include <algorithm>
#include <tuple>

namespace dstack::route {

namespace {

/// So many good instances are enough to choose from: apps may have thousands.
constexpr std::size_t enough = 64;

struct Ranked {
  unsigned badness = 0;
  std::uint32_t connections = 0;
  std::size_t chance = 0; ///< place in the scan, which begins anywhere
  std::uint32_t index = 0;

  auto key() const { return std::tuple{badness, connections, chance}; }
};

bool in_quarantine(const InstanceState& state, const BalanceSettings& settings, Time now)
{
  if (state.failures == 0) return false;
  constexpr unsigned most_doublings = 20;
  const unsigned doublings = std::min(state.failures - 1, most_doublings);
  const std::int64_t pause = std::min(settings.retry_base_ms << doublings, settings.retry_most_ms);
  const std::int64_t passed = now.ms - state.last_failure.ms;
  return passed >= 0 && passed < pause; // a clock that went back does not prolong it
}

unsigned badness_of(const InstanceState& state, const BalanceSettings& settings, Time now)
{
  unsigned out = 0;
  if (state.drained) out += 8;
  if (state.probe == InstanceState::Probe::failing) out += 4;
  if (in_quarantine(state, settings, now)) out += 2;
  const bool heard = state.handshake_age_ms.has_value();
  if (heard && *state.handshake_age_ms >= settings.handshake_stale_ms) out += 2;
  if (!heard) out += 1;
  return out;
}

/// What the policies of the instances say; some of an app's may be older than others.
struct Opened {
  std::vector<std::uint32_t> members{};
  bool unknown = false; ///< an instance was left out because its policy is not known
};

Opened opened(const AppTable& table, const ToApp& route)
{
  Opened out;
  for (const std::uint32_t index : route.match->members) {
    const PortVerdict verdict = judge_port(table.at(index).policies, route.label.port);
    if (verdict.answer == PortVerdict::Answer::open) out.members.push_back(index);
    out.unknown = out.unknown || verdict.answer == PortVerdict::Answer::unknown;
  }
  return out;
}

bool wants_proxy_header(const AppTable& table, std::uint32_t index, std::uint16_t port)
{
  return judge_port(table.at(index).policies, port).proxy_protocol;
}

std::vector<Ranked> ranked(const std::vector<std::uint32_t>& members,
                           const StateOf& state_of,
                           const BalanceSettings& settings,
                           Time now,
                           std::uint64_t random)
{
  std::vector<Ranked> out;
  std::size_t good = 0;
  const std::size_t first = random % members.size();
  for (std::size_t i = 0; i < members.size() && good < enough; ++i) {
    const std::uint32_t index = members[(first + i) % members.size()];
    const InstanceState state = state_of(index);
    out.push_back({badness_of(state, settings, now), state.connections, i, index});
    if (out.back().badness == 0) ++good;
  }
  return out;
}

} // namespace

std::variant<Candidates, Refusal> choose(const AppTable& table,
                                         const ToApp& route,
                                         const StateOf& state_of,
                                         const BalanceSettings& settings,
                                         Time now,
                                         std::uint64_t random)
{
  const Opened open = opened(table, route);
  if (open.members.empty())
    return Refusal{open.unknown ? RefusedFor::policy_unknown : RefusedFor::port_closed,
                   fmt::format("port {} of {}: {}", route.label.port, route.label.id,
                               open.unknown ? "the app's port policy is not known yet"
                                            : "closed by the app's port policy")};
  if (settings.max_connections_per_app != 0) {
    std::uint64_t all = 0;
    for (const std::uint32_t index : route.match->members)
      all += state_of(index).connections;
    if (all >= settings.max_connections_per_app)
      return Refusal{RefusedFor::over_limit,
                     fmt::format("{} has {} connections (at most {})", route.label.id, all,
                                 settings.max_connections_per_app)};
  }
  auto order = ranked(open.members, state_of, settings, now, random);
  std::sort(order.begin(), order.end(),
            [](const Ranked& a, const Ranked& b) { return a.key() < b.key(); });
  Candidates out;
  out.proxy_protocol = wants_proxy_header(table, order.front().index, route.label.port);
  for (const Ranked& one : order) {
    if (out.order.size() == std::max(settings.candidates, std::size_t{1})) break;
    // Whoever wins the race gets the same first bytes: a candidate that wants others stays out.
    if (wants_proxy_header(table, one.index, route.label.port) == out.proxy_protocol)
      out.order.push_back(one.index);
  }
  return out;
}

Race::Race(std::vector<std::uint32_t> order, const RaceSettings& settings, Time now)
    : order_(std::move(order)), settings_(settings), next_(now), end_{now.ms + settings.total_ms}
{
}

std::optional<std::uint32_t> Race::start(Time now)
{
  if (started_ == order_.size() || now < next_ || now >= end_) return std::nullopt;
  next_ = Time{now.ms + settings_.stagger_ms};
  return order_[started_++];
}

void Race::failed()
{
  DSTACK_ASSERT(failed_ < started_);
  ++failed_;
  next_ = Time{0};
}

bool Race::lost(Time now) const
{
  return failed_ == order_.size() || now >= end_;
}

Time Race::wake() const
{
  return started_ == order_.size() ? end_ : std::min(next_, end_);
}

} // namespace dstack::route
