#include "guest/console.hpp"

#include "base/text.hpp"
#include "sys/fd.hpp"

#include <ctime>
#include <sys/reboot.h>
#include <termios.h>
#include <unistd.h>

namespace dstack::guest {

namespace {

void print(std::string_view line)
{
  // Nobody is left to tell when the console itself refuses.
  static_cast<void>(sys::write_all(STDERR_FILENO, as_bytes(line)));
}

} // namespace

double uptime_seconds()
{
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

void console_stage(std::string_view program, std::string_view text)
{
  print(fmt::format("{} {:.2f} {}\r\n", program, uptime_seconds(), printable(text)));
}

void power_off_saying(std::string_view program, std::string_view text)
{
  print(fmt::format("{}: {}\r\n", program, printable(text)));
  power_off();
}

void power_off()
{
  ::tcdrain(STDERR_FILENO);
  ::sync();
  ::reboot(RB_POWER_OFF);
  while (true) // only reached when the kernel refuses; PID 1 must not return
    ::pause();
}

} // namespace dstack::guest
