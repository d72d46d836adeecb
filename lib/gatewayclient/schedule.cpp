#include "gatewayclient/schedule.hpp"

#include <algorithm>

namespace dstack::gatewayclient {

namespace {

/// Handshakes come no more often than every 120 s: looking earlier shows the same one.
constexpr std::int64_t look_after_ms = 120'000;
constexpr unsigned doublings = 2; // 30, 60, 120

std::int64_t retry_after(unsigned failures)
{
  const unsigned doubled = std::min(failures - 1, doublings);
  return std::min(Schedule::first_retry_ms << doubled, Schedule::longest_retry_ms);
}

} // namespace

bool Schedule::silent(std::int64_t now) const
{
  return tunnel_ == Tunnel::expected && now - heard_ >= silence_ms;
}

Schedule::Step Schedule::step(std::int64_t now) const
{
  const bool dead = !registered_ || silent(now);
  if (failures_ > 0) {
    if (now - last_attempt_ < retry_after(failures_)) return Step::wait;
    return dead ? Step::force : Step::refresh;
  }
  if (!registered_) return Step::force;
  if (dead && now - last_force_ >= silence_ms) return Step::force;
  // A tunnel that is dead needs more than a refresh.
  if (dead || now - last_attempt_ < refresh_ms) return Step::wait;
  return Step::refresh;
}

std::vector<std::size_t> Schedule::order() const
{
  std::vector<std::size_t> out;
  const std::size_t first = preferred_ + (in_vain_ ? 1 : 0);
  for (std::size_t i = 0; i < gateways_; ++i)
    out.push_back((first + i) % gateways_);
  return out;
}

void Schedule::registered(std::int64_t now, Step step, std::size_t gateway, Tunnel tunnel)
{
  if (tunnel == Tunnel::expected && tunnel_ == Tunnel::none) {
    heard_ = now;
    handshake_ = 0;
  }
  if (step == Step::force) {
    in_vain_ = tunnel == Tunnel::expected;
    last_force_ = now;
  }
  registered_ = true;
  failures_ = 0;
  last_attempt_ = now;
  preferred_ = gateway;
  tunnel_ = tunnel;
}

void Schedule::failed(std::int64_t now)
{
  ++failures_;
  last_attempt_ = now;
}

bool Schedule::wants_handshake(std::int64_t now) const
{
  return tunnel_ == Tunnel::expected && (handshake_ == 0 || now - heard_ >= look_after_ms);
}

void Schedule::handshake(std::int64_t now, std::int64_t newest)
{
  if (newest == 0 || newest == handshake_) return;
  handshake_ = newest;
  heard_ = now;
  in_vain_ = false;
}

} // namespace dstack::gatewayclient
