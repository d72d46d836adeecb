/// dstack-guest: PID 1 of the VM. With "load-modules NAME…" it is the helper that loads kernel
/// modules beside the boot, with "probe-tdx" the one that tries the kernel's TDX interfaces.

#include "guest/console.hpp"
#include "guest/guest.hpp"
#include "guest/modules.hpp"
#include "guest/tdx_kernel.hpp"

#include <csignal>
#include <unistd.h>

namespace {

int load(const std::vector<std::string>& names)
{
  const auto loaded = dstack::guest::load_modules(names);
  if (loaded) return 0;
  fmt::print(stderr, "{}\n", loaded.error().message());
  return 1;
}

} // namespace

int main(int argc, char** argv)
{
  const std::vector<std::string> arguments(argv, argv + argc);
  if (arguments.size() > 1 && arguments[1] == "load-modules")
    return load({arguments.begin() + 2, arguments.end()});
  if (arguments.size() > 1 && arguments[1] == "probe-tdx") return dstack::guest::probe_tdx_kernel();
  if (::getpid() != 1) {
    fmt::print(stderr, "dstack-guest is the first process of a dstack VM\n");
    return 2;
  }
  ::signal(SIGPIPE, SIG_IGN);
  dstack::guest::Guest::run();
}
