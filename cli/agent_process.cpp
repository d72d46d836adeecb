#include "cli/agent_process.hpp"

#include "cli/exit.hpp"
#include <csignal>
#include <sys/epoll.h>
#include <unistd.h>

namespace dstack::cli {

namespace {

constexpr int settings_fd = 3;
constexpr int readiness_fd = 4;
constexpr int passphrase_fd = 5;
constexpr std::size_t max_readiness = 16 * 1024;
constexpr std::string_view ready_word = "READY=1";

/// It ends as this program does.
Errc code_of(int status)
{
  switch (static_cast<Exit>(status)) {
  case Exit::usage:
    return Errc::config;
  case Exit::refused:
    return Errc::denied;
  case Exit::malformed:
    return Errc::malformed;
  default:
    return Errc::io;
  }
}

} // namespace

Result<std::unique_ptr<AgentProcess>> AgentProcess::start(
    sys::Loop& loop, const Context& ctx, const AgentLaunch& launch, Ready ready, Ended ended)
{
  const sys::fs::path program = TRY(ctx.helper(launch.program));
  sys::Pipe settings = TRY(sys::make_pipe());
  sys::Pipe readiness = TRY(sys::make_pipe());
  sys::Pipe secret = TRY(sys::make_pipe());
  sys::Command command;
  command.argv = {program.string(), "--dir", launch.directory.string()};
  command.argv.insert(command.argv.end(), launch.arguments.begin(), launch.arguments.end());
  command.fds = {{settings_fd, settings.read.get()},
                 {readiness_fd, readiness.write.get()},
                 {STDERR_FILENO, STDERR_FILENO}};
  codec::Json document = launch.settings;
  if (launch.passphrase) {
    command.fds[passphrase_fd] = secret.read.get();
    document.set("passphrase_file", fmt::format("/dev/fd/{}", passphrase_fd));
    TRY(sys::write_all(secret.write.get(), launch.passphrase->view()));
  }
  secret.write.reset();
  TRY(sys::write_all(settings.write.get(), as_bytes(codec::write_json(document))));
  settings.write.reset();
  sys::Child child = TRY(sys::spawn(command).within("start {}", launch.program));
  std::unique_ptr<AgentProcess> out{new AgentProcess{loop, launch.program, std::move(child),
                                                     std::move(readiness.read), std::move(ready),
                                                     std::move(ended)}};
  TRY(out->watch());
  return out;
}

AgentProcess::~AgentProcess()
{
  loop_.forget(child_.pidfd());
  if (readiness_) loop_.forget(readiness_.get());
}

Status AgentProcess::watch()
{
  TRY(sys::set_nonblocking(readiness_.get()));
  TRY(loop_.watch(readiness_.get(), EPOLLIN, [this](std::uint32_t) { read_readiness(); }));
  return loop_.watch(child_.pidfd(), EPOLLIN, [this](std::uint32_t) { over(); });
}

void AgentProcess::read_readiness()
{
  const auto piece = sys::read_some(readiness_.get(), max_readiness);
  if (!piece) return;
  said_ += as_text(*piece);
  const bool whole = said_.find('\n') != std::string::npos;
  if (!whole && !piece->empty() && said_.size() < max_readiness) return;
  loop_.forget(readiness_.get());
  readiness_.reset();
  const std::string_view line = trim(std::string_view{said_}.substr(0, said_.find('\n')));
  // Why it is not ready is told with its end, which says of what kind the failure is.
  if (line.starts_with(ready_word) && ready_)
    std::exchange(ready_, nullptr)(std::string{trim(line.substr(ready_word.size()))});
}

void AgentProcess::over()
{
  const auto waited = child_.try_wait();
  if (waited && !*waited) return;
  const sys::ExitState state = waited ? **waited : sys::ExitState{1, 0};
  loop_.forget(child_.pidfd());
  // What it said last may still be in the pipe.
  while (readiness_)
    read_readiness();
  if (ready_) std::exchange(ready_, nullptr)(why_not(state));
  if (ended_) std::exchange(ended_, nullptr)(state);
}

Error AgentProcess::why_not(const sys::ExitState& state) const
{
  const std::string_view line = trim(std::string_view{said_}.substr(0, said_.find('\n')));
  if (line.empty() || state.signal != 0)
    return fail(Errc::io, "{} {} before it was ready", program_, state.describe());
  return Error{code_of(state.code), printable(line)};
}

} // namespace dstack::cli
