#include "sys/protect.hpp"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

namespace dstack::sys {

namespace {

/// With a limit on locked memory, locking all future memory would make allocations fail.
bool may_lock_everything()
{
  struct rlimit limit {};
  if (::getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_max != RLIM_INFINITY) return false;
  limit.rlim_cur = limit.rlim_max;
  return ::setrlimit(RLIMIT_MEMLOCK, &limit) == 0;
}

} // namespace

Protection protect_secrets()
{
  Protection out;
  const struct rlimit none {
  };
  const bool no_core = ::setrlimit(RLIMIT_CORE, &none) == 0;
  out.undumpable = ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 && no_core;
  // What was touched is locked, what was only reserved (stacks of threads) once it is.
  out.locked = may_lock_everything() && ::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0;
  return out;
}

} // namespace dstack::sys
