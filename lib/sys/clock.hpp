#pragma once
/// The clocks, read only here.

#include "base/text.hpp"

#include <chrono>

namespace dstack::sys {

Time now();
/// Milliseconds of a clock that never steps (for deadlines and durations).
std::int64_t monotonic_ms();

/// A point on the monotonic clock until which something may take.
class Deadline {
public:
  explicit Deadline(std::chrono::milliseconds from_now) : at_ms_(monotonic_ms() + from_now.count())
  {
  }
  std::chrono::milliseconds left() const
  {
    const auto ms = at_ms_ - monotonic_ms();
    return std::chrono::milliseconds{ms < 0 ? 0 : ms};
  }
  bool passed() const { return left().count() == 0; }

private:
  std::int64_t at_ms_;
};

} // namespace dstack::sys
