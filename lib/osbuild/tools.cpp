#include "osbuild/tools.hpp"

#include "sys/spawn.hpp"

namespace dstack::osbuild {

Status Tools::run(const std::string& program, const std::vector<std::string>& arguments) const
{
  constexpr sys::Millis deadline{900'000};
  sys::Command command;
  command.argv = {root_ / "usr/lib64/ld-linux-x86-64.so.2", "--library-path",
                  root_ / "usr/lib/x86_64-linux-gnu", root_ / program};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  command.clear_env = true;
  command.env = {{"LC_ALL", "C"}, {"PATH", "/nonexistent"}};
  sys::RunLimits limits;
  limits.deadline = deadline;
  TRY(sys::run_ok(command, {}, limits).within("{}", program));
  return ok();
}

} // namespace dstack::osbuild
