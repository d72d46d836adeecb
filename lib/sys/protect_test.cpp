#include "sys/protect.hpp"

#include <doctest/doctest.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace dstack::sys {

TEST_SUITE("sys::protect")
{
  TEST_CASE("a protected process leaves no core and can still allocate")
  {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      const Protection got = protect_secrets();
      struct rlimit core {};
      ::getrlimit(RLIMIT_CORE, &core);
      const std::string large(std::size_t{64} << 20U, 'x');
      const bool good = got.undumpable && ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 &&
                        core.rlim_cur == 0 && core.rlim_max == 0 && large.back() == 'x';
      ::_exit(good ? 0 : 1);
    }
    int status = 1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
  }
}

} // namespace dstack::sys
