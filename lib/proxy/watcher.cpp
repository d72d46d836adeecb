#include "proxy/watcher.hpp"

#include "proxy/leg.hpp"

namespace dstack::proxy {

namespace {

constexpr unsigned uses_shift = 32;

} // namespace

bool Watcher::watch(Leg& leg, int fd, std::uint32_t events)
{
  const bool known = leg.watcher != nullptr;
  if (!known) {
    if (free_.empty()) {
      free_.push_back(static_cast<std::uint32_t>(slots_.size()));
      slots_.emplace_back();
    }
    leg.slot = free_.back();
    free_.pop_back();
    leg.watcher = this;
    slots_[leg.slot].leg = &leg;
    ++slots_[leg.slot].uses;
  }
  epoll_event event{};
  event.events = events;
  event.data.u64 = std::uint64_t{slots_[leg.slot].uses} << uses_shift | leg.slot;
  if (::epoll_ctl(epoll_.get(), known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) == 0)
    return true;
  if (!known) forget(leg);
  return false;
}

void Watcher::forget(Leg& leg)
{
  leg.watcher = nullptr;
  slots_[leg.slot].leg = nullptr;
  free_.push_back(leg.slot);
}

int Watcher::wait(std::span<epoll_event> events, int timeout_ms) const
{
  return ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), timeout_ms);
}

Leg* Watcher::leg_of(const epoll_event& event) const
{
  const auto slot = static_cast<std::uint32_t>(event.data.u64);
  const auto uses = static_cast<std::uint32_t>(event.data.u64 >> uses_shift);
  if (slot >= slots_.size() || slots_[slot].uses != uses) return nullptr;
  return slots_[slot].leg;
}

} // namespace dstack::proxy
