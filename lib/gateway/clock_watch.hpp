#pragma once
/// A wall clock that jumps: set by somebody, or gone on while the machine slept.

#include "base/text.hpp"

#include <cstdlib>
#include <optional>

namespace dstack::gateway {

class ClockWatch {
public:
  static constexpr std::int64_t tolerated_ms = 60'000;

  /// Whether the wall clock has gone otherwise than the monotonic one since the last call.
  bool jumped(Time wall, std::int64_t monotonic_ms)
  {
    const std::int64_t apart = wall.ms - monotonic_ms;
    const bool out = apart_ && std::abs(apart - *apart_) > tolerated_ms;
    apart_ = apart;
    return out;
  }

private:
  std::optional<std::int64_t> apart_{};
};

} // namespace dstack::gateway
