#include "sys/clock.hpp"

namespace dstack::sys {

Time now()
{
  using std::chrono::duration_cast;
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return Time{duration_cast<std::chrono::milliseconds>(since_epoch).count()};
}

std::int64_t monotonic_ms()
{
  const auto since_boot = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since_boot).count();
}

} // namespace dstack::sys
