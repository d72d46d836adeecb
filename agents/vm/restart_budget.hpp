#pragma once
/// When a failed VM is started again, and when no more (spec host B.2): delays double from `first`
/// to `longest`; a VM that was healthy for `healthy` starts counting anew.

#include "store/vm_spec.hpp"

#include <chrono>
#include <optional>

namespace dstack::supervisor {

struct RestartTimes {
  std::chrono::milliseconds first{5'000};
  std::chrono::milliseconds longest{300'000};
  std::chrono::milliseconds healthy{300'000};
};

class RestartBudget {
public:
  RestartBudget(const store::VmRestart& restart, const RestartTimes& times)
      : restart_(restart), times_(times)
  {
  }

  /// The VM works since now_ms (a clock that never steps).
  void became_healthy(std::int64_t now_ms) { healthy_since_ms_ = now_ms; }
  /// The VM failed: how long to wait before the next start, nothing to give up.
  std::optional<std::chrono::milliseconds> after_failure(std::int64_t now_ms);
  std::uint32_t attempts() const { return attempts_; }

private:
  store::VmRestart restart_;
  RestartTimes times_;
  std::uint32_t attempts_ = 0;
  std::optional<std::int64_t> healthy_since_ms_{};
};

} // namespace dstack::supervisor
