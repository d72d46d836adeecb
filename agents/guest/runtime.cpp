#include "guest/runtime.hpp"

#include "sys/clock.hpp"

#include <csignal>

namespace dstack::guest {

namespace {

constexpr const char* engine_socket = "/run/docker.sock";
constexpr std::chrono::milliseconds ask_again{50};

sys::Command daemon(std::vector<std::string> argv)
{
  sys::Command command;
  command.argv = std::move(argv);
  command.env = {{"HOME", "/root"}};
  return command;
}

} // namespace

Runtime::Runtime(sys::Loop& loop, Processes& processes, std::function<void(std::string)> on_death)
    : loop_(loop), processes_(processes), on_death_(std::move(on_death)),
      engine_(loop, engine_socket)
{
}

Result<pid_t> Runtime::start(std::string name, sys::Command command)
{
  return processes_.start(std::move(command), {}, [this, name](const Finished& finished) {
    loop_.stop();
    if (stopping_) return;
    died_ = fmt::format("{} {}: {}", name, finished.state.describe(), last_lines(finished.tail));
    on_death_(died_);
  });
}

Status Runtime::start_containerd()
{
  TRY(sys::make_directories("/run/containerd", sys::Privacy::shared));
  containerd_ = TRY(start("containerd", daemon({"containerd"})));
  return ok();
}

Status Runtime::start_dockerd()
{
  // Everything else is in /etc/docker/daemon.json.
  dockerd_ = TRY(start("dockerd", daemon({"dockerd"})));
  return ok();
}

Status Runtime::wait_ready(std::chrono::milliseconds deadline)
{
  const sys::Deadline until{deadline};
  while (!until.passed()) {
    if (!died_.empty()) return fail(Errc::io, "{}", died_);
    std::error_code error;
    if (sys::fs::exists(engine_socket, error)) {
      const auto pong = engine_.call("GET", "/_ping", until.left());
      if (pong) return ok();
    }
    bool tick = false;
    loop_.after(ask_again, [&] {
      tick = true;
      loop_.stop();
    });
    TRY(run_until(
        loop_, [&] { return tick; }, 2 * ask_again + ask_again, "a timer"));
  }
  return fail(Errc::timeout, "dockerd did not answer within {} s", deadline.count() / 1000);
}

void Runtime::stop(std::chrono::milliseconds deadline)
{
  stopping_ = true;
  for (const pid_t pid : {dockerd_, containerd_}) {
    if (pid == 0 || !processes_.signal(pid, SIGTERM)) continue;
    const auto gone = [&] { return !processes_.is_running(pid); };
    if (!run_until(loop_, gone, deadline, "the end of a daemon")) processes_.signal(pid, SIGKILL);
  }
}

} // namespace dstack::guest
