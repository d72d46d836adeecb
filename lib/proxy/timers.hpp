#pragma once
/// One timer for each connection, many connections: a wheel of lists, so that setting one costs
/// nothing whatever their number.

#include <array>
#include <cstddef>
#include <cstdint>

namespace dstack::proxy {

/// Belongs to what it times; goes out of its wheel when it is destroyed.
class Timer {
public:
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() { unlink(); }

  bool armed() const { return next_ != nullptr; }
  void unlink()
  {
    if (next_ == nullptr) return;
    next_->previous_ = previous_;
    previous_->next_ = next_;
    next_ = previous_ = nullptr;
  }

private:
  friend class TimerWheel;
  Timer* next_ = nullptr;
  Timer* previous_ = nullptr;
  std::int64_t due_ms_ = 0;
};

class TimerWheel {
public:
  static constexpr std::int64_t tick_ms = 16;

  explicit TimerWheel(std::int64_t now_ms) : tick_(now_ms / tick_ms)
  {
    for (Timer& slot : slots_)
      slot.next_ = slot.previous_ = &slot;
  }
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;
  ~TimerWheel()
  {
    for (Timer& slot : slots_) {
      while (slot.next_ != &slot)
        slot.next_->unlink();
      slot.next_ = slot.previous_ = nullptr;
    }
  }

  /// Fires at that time or up to two ticks later; sets it anew when it is armed.
  void set(Timer& timer, std::int64_t due_ms)
  {
    timer.unlink();
    timer.due_ms_ = due_ms;
    std::int64_t tick = due_ms / tick_ms + 1;
    if (tick <= tick_) tick = tick_ + 1;
    put(timer, slots_[static_cast<std::size_t>(tick) % slot_count]);
    if (tick < next_) next_ = tick;
  }

  /// Calls fired(Timer&) for each that is due; it may set and unlink any timer.
  template <class Fired> void advance(std::int64_t now_ms, Fired fired)
  {
    const std::int64_t target = now_ms / tick_ms;
    // After a long pause each slot is looked at once.
    if (target - tick_ > static_cast<std::int64_t>(slot_count))
      tick_ = target - static_cast<std::int64_t>(slot_count);
    while (tick_ < target) {
      ++tick_;
      Timer& slot = slots_[static_cast<std::size_t>(tick_) % slot_count];
      // Those of later rounds go back; what is set meanwhile never comes into this slot again.
      Timer taken;
      take_all(slot, taken);
      while (taken.next_ != &taken) {
        Timer& one = *taken.next_;
        one.unlink();
        if (one.due_ms_ > now_ms)
          put(one, slot);
        else
          fired(one);
      }
      taken.next_ = taken.previous_ = nullptr;
    }
    if (tick_ >= next_) next_ = first_slot_in_use();
  }

  /// How long to sleep: nothing is due earlier; -1 when nothing is set.
  int wait_ms(std::int64_t now_ms) const
  {
    if (next_ == never) return -1;
    const std::int64_t wait = next_ * tick_ms - now_ms;
    return wait < 0 ? 0 : static_cast<int>(wait);
  }

private:
  static constexpr std::size_t slot_count = 2048; // half a minute

  static constexpr std::int64_t never = INT64_MAX;

  std::int64_t first_slot_in_use() const
  {
    for (std::size_t i = 1; i <= slot_count; ++i) {
      const std::int64_t tick = tick_ + static_cast<std::int64_t>(i);
      const Timer& slot = slots_[static_cast<std::size_t>(tick) % slot_count];
      if (slot.next_ != &slot) return tick;
    }
    return never;
  }

  static void put(Timer& timer, Timer& head)
  {
    timer.previous_ = head.previous_;
    timer.next_ = &head;
    head.previous_->next_ = &timer;
    head.previous_ = &timer;
  }
  static void take_all(Timer& slot, Timer& head)
  {
    head.next_ = head.previous_ = &head;
    if (slot.next_ == &slot) return;
    head.next_ = slot.next_;
    head.previous_ = slot.previous_;
    head.next_->previous_ = &head;
    head.previous_->next_ = &head;
    slot.next_ = slot.previous_ = &slot;
  }

  std::array<Timer, slot_count> slots_{};
  std::int64_t tick_;         ///< done with
  std::int64_t next_ = never; ///< the next one at which there may be something to do
};

} // namespace dstack::proxy
