#include "cli/supervisor.hpp"

#include "cli/control.hpp"
#include "cli/settings.hpp"
#include "sys/clock.hpp"
#include "sys/spawn.hpp"

#include <csignal>
#include <poll.h>

namespace dstack::cli {

namespace {

constexpr std::chrono::milliseconds start_deadline{30'000};
constexpr std::chrono::milliseconds stop_margin{15'000};
constexpr std::chrono::milliseconds forced_margin{5'000};
constexpr std::chrono::milliseconds kill_deadline{10'000};
constexpr std::size_t max_readiness = 16 * 1024;

/// Reads until a line is complete or the writer is gone.
Result<std::string> read_line(int fd, const sys::Deadline& deadline)
{
  std::string text;
  while (text.find('\n') == std::string::npos && text.size() < max_readiness) {
    pollfd wait{fd, POLLIN, 0};
    const int ready = ::poll(&wait, 1, static_cast<int>(deadline.left().count()));
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) return sys::errno_error("poll");
    if (ready == 0)
      return fail(Errc::timeout, "the supervisor was not ready within {}s",
                  start_deadline.count() / 1000);
    const Bytes more = TRY(sys::read_some(fd, max_readiness));
    if (more.empty()) break;
    text += as_text(more);
  }
  return text;
}

std::string last_log_line(const store::VmPaths& paths)
{
  const auto log = sys::read_text(paths.supervisor_log(), std::size_t{64} << 20U);
  if (!log) return "";
  const auto lines = split(trim(*log), '\n');
  return lines.back().empty() ? "" : fmt::format(": {}", printable(lines.back()));
}

Status await_readiness(int fd, const store::VmPaths& paths)
{
  const std::string text = TRY(read_line(fd, sys::Deadline{start_deadline}));
  const std::string_view line = trim(std::string_view{text}.substr(0, text.find('\n')));
  if (line == "READY=1") return ok();
  if (line.empty())
    return fail(Errc::io, "the supervisor ended before it was ready{}", last_log_line(paths));
  return fail(Errc::io, "{}", printable(line));
}

Status await_end(const store::VmPaths& paths, std::chrono::milliseconds wait)
{
  const sys::Deadline deadline{wait};
  while (sys::FileLock::is_held(paths.supervisor_lock())) {
    if (deadline.passed()) return fail(Errc::timeout, "the supervisor still runs");
    ::poll(nullptr, 0, 20);
  }
  return ok();
}

/// What the supervisor needs to know of this user's settings (agents/vm/settings.hpp).
Result<codec::Json> supervisor_settings(const Context& ctx)
{
  const auto config = TRY(load_config(ctx, SettingOptions{}));
  std::error_code code;
  const sys::fs::path self = sys::fs::read_symlink("/proc/self/exe", code);
  if (code) return fail(Errc::internal, "read /proc/self/exe: {}", code.message());
  return codec::Json::object()
      .set("key_provider", config.value("key_provider.address").text)
      .set("collateral_program", self.string());
}

Status kill_supervisor(const store::VmRecord& vm)
{
  const auto state = TRY(store::read_state(vm.directory));
  // A supervisor that ends closes its socket and names no process before it lets go of its lock.
  if (state.pid <= 1)
    return await_end(vm.paths(), kill_deadline)
        .within("{} does not answer and its process is not known", vm.spec.id);
  if (::kill(static_cast<pid_t>(state.pid), SIGKILL) != 0 && errno != ESRCH)
    return sys::errno_error(fmt::format("kill supervisor {}", state.pid));
  return await_end(vm.paths(), kill_deadline);
}

} // namespace

Status start_supervisor(const Context& ctx, const store::VmRecord& vm)
{
  const sys::fs::path program = TRY(ctx.helper("dstack-vm"));
  sys::Pipe config = TRY(sys::make_pipe());
  sys::Pipe readiness = TRY(sys::make_pipe());
  const codec::Json settings = TRY(supervisor_settings(ctx));
  TRY(sys::write_all(config.write.get(), as_bytes(codec::write_json(settings))));
  config.write.reset();

  sys::Command command;
  command.argv = {program.string(), "--dir", vm.directory.string()};
  command.directory = vm.directory;
  command.fds = {{3, config.read.get()}, {4, readiness.write.get()}};
  command.lifetime = sys::Lifetime::detached;
  const sys::Child child = TRY(sys::spawn(command).within("start supervisor"));
  readiness.write.reset();
  const Status ready = await_readiness(readiness.read.get(), vm.paths());
  if (!ready) static_cast<void>(child.kill(SIGKILL));
  return ready;
}

Status stop_vm(const store::VmRecord& vm, std::chrono::milliseconds timeout)
{
  const store::VmPaths paths = vm.paths();
  if (!sys::FileLock::is_held(paths.supervisor_lock())) return ok();
  const codec::Json body = codec::Json::object().set("timeout_ms", timeout.count());
  const auto margin = timeout.count() == 0 ? forced_margin : stop_margin;
  const auto answer = Control{paths}.post("/v1/stop", body, timeout + margin);
  if (answer && await_end(paths, kill_deadline)) return ok();
  if (!sys::FileLock::is_held(paths.supervisor_lock())) return ok();
  return kill_supervisor(vm).within("stop");
}

} // namespace dstack::cli
