#include "cli/foreground.hpp"

#include <csignal>
#include <sys/epoll.h>
#include <unistd.h>

namespace dstack::cli {

namespace {

constexpr int shell_signal_base = 128;

} // namespace

Result<Exit> Foreground::run(const AgentLaunch& launch,
                             std::function<Status(const std::string& said)> ready)
{
  program_ = launch.program;
  ready_ = std::move(ready);
  TRY(loop_.on_signals({SIGINT, SIGTERM, SIGHUP}, [this](int signal) { on_signal(signal); }));
  agent_ = TRY(AgentProcess::start(
      loop_, ctx_, launch, [this](const Result<std::string>& said) { on_ready(said); },
      [this](const sys::ExitState& state) { on_end(state); }));
  TRY(loop_.run());
  if (failure_) return *failure_;
  return exit_;
}

void Foreground::on_ready(const Result<std::string>& said)
{
  if (!said) {
    failure_ = said.error();
    return;
  }
  const Status done = ready_(*said);
  if (done) return;
  failure_ = done.error();
  stop();
}

Status Foreground::start_command(const std::vector<std::string>& argv, Environment environment)
{
  sys::Command command;
  command.argv = argv;
  command.env = std::move(environment);
  command.fds = {{0, STDIN_FILENO}, {1, STDOUT_FILENO}, {2, STDERR_FILENO}};
  command_.emplace(TRY(sys::spawn(command).within("{}", argv.front())));
  return loop_.watch(command_->pidfd(), EPOLLIN, [this](std::uint32_t) {
    const auto state = command_->try_wait();
    if (state && !*state) return;
    loop_.forget(command_->pidfd());
    if (state)
      command_exit_ = (*state)->signal == 0 ? (*state)->code : shell_signal_base + (*state)->signal;
    stop();
  });
}

void Foreground::stop()
{
  stopping_ = true;
  static_cast<void>(agent_->signal(SIGTERM));
}

void Foreground::on_signal(int signal)
{
  if (signal == SIGHUP) return static_cast<void>(agent_->signal(SIGHUP));
  if (command_ && !command_exit_) static_cast<void>(command_->kill(signal));
  stop();
}

void Foreground::on_end(const sys::ExitState& state)
{
  const bool quiet = quiet_end_ == QuietEnd::fine && state.success();
  if (command_exit_)
    exit_ = static_cast<Exit>(*command_exit_);
  else if (!failure_ && !(stopping_ && state.signal == 0) && !quiet)
    failure_ = fail(Errc::io, "{} {}", program_, state.describe());
  loop_.stop();
}

} // namespace dstack::cli
