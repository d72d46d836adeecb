#pragma once
/// Keeping a process' memory to itself.

#include "base/result.hpp"

namespace dstack::sys {

/// What came of it: a missing part is told, not fatal.
struct Protection {
  bool undumpable = false; ///< no core files, no debugger or /proc/PID/mem for others of this user
  bool locked = false;     ///< nothing is written to swap space
};

/// Call it before the first secret is read. Memory is locked when the limit (ulimit -l) allows
/// locking all of it.
Protection protect_secrets();

} // namespace dstack::sys
