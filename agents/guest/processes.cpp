#include "guest/processes.hpp"

#include "base/text.hpp"
#include "sys/clock.hpp"

#include <cerrno>
#include <csignal>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace dstack::guest {

namespace {

constexpr std::size_t max_tail = 16 * 1024;
constexpr std::size_t shown_tail = 1500;

void keep_tail(std::string& tail, std::string_view more)
{
  tail.append(more);
  if (tail.size() > 2 * max_tail) tail.erase(0, tail.size() - max_tail);
}

} // namespace

std::string last_lines(std::string_view output)
{
  std::string_view tail = trim(output);
  if (tail.size() > shown_tail) {
    tail.remove_prefix(tail.size() - shown_tail);
    if (const std::size_t line = tail.find('\n'); line != std::string_view::npos)
      tail.remove_prefix(line + 1);
  }
  return printable(tail);
}

Status run_until(sys::Loop& loop,
                 const std::function<bool()>& done,
                 std::chrono::milliseconds deadline,
                 std::string_view what)
{
  bool late = false;
  const auto timer = loop.after(deadline, [&] {
    late = true;
    loop.stop();
  });
  while (!done() && !late)
    TRY(loop.run());
  loop.cancel(timer);
  if (!done()) return fail(Errc::timeout, "{} took more than {} s", what, deadline.count() / 1000);
  return ok();
}

Processes::~Processes()
{
  for (const auto& [pid, running] : running_) {
    loop_.forget(running->child.pidfd());
    if (running->output) loop_.forget(running->output.get());
  }
}

void Processes::read_output(Running& running)
{
  std::array<char, 16384> buffer{};
  while (running.output) {
    const ssize_t n = ::read(running.output.get(), buffer.data(), buffer.size());
    if (n > 0) {
      keep_tail(running.tail, {buffer.data(), static_cast<std::size_t>(n)});
      continue;
    }
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return;
    loop_.forget(running.output.get());
    running.output.reset();
  }
}

void Processes::ended(pid_t pid)
{
  const auto at = running_.find(pid);
  if (at == running_.end()) return;
  const std::shared_ptr<Running> running = at->second;
  const auto state = running->child.try_wait();
  if (state && !state->has_value()) return;
  read_output(*running);
  if (running->output) loop_.forget(running->output.get());
  loop_.forget(running->child.pidfd());
  running_.erase(at);
  running->on_end(Finished{state ? **state : sys::ExitState{1, 0}, std::move(running->tail)});
  reap_orphans();
}

Result<pid_t> Processes::start(sys::Command command, ByteView input, OnEnd on_end)
{
  sys::Pipe out = TRY(sys::make_pipe());
  TRY(sys::set_nonblocking(out.read.get()));
  command.fds[1] = out.write.get();
  command.fds[2] = out.write.get();
  sys::Pipe in;
  if (!input.empty()) {
    constexpr std::size_t pipe_capacity = 4096; // never blocks below PIPE_BUF
    DSTACK_ASSERT(input.size() <= pipe_capacity);
    in = TRY(sys::make_pipe());
    TRY(sys::write_all(in.write.get(), input));
    in.write.reset();
    command.fds[0] = in.read.get();
  }
  sys::Child child = TRY(sys::spawn(command));
  const pid_t pid = child.pid();
  auto running = std::make_shared<Running>(
      Running{std::move(child), std::move(out.read), {}, std::move(on_end)});
  running_[pid] = running;
  TRY(loop_.watch(running->output.get(), EPOLLIN,
                  [this, running](std::uint32_t) { read_output(*running); }));
  TRY(loop_.watch(running->child.pidfd(), EPOLLIN, [this, pid](std::uint32_t) { ended(pid); }));
  return pid;
}

Result<Finished>
Processes::finish(sys::Command command, ByteView input, std::chrono::milliseconds deadline)
{
  const std::string name = sys::fs::path{command.argv.front()}.filename().string();
  const auto result = std::make_shared<std::optional<Finished>>();
  const pid_t pid = TRY(start(std::move(command), input, [this, result](const Finished& finished) {
    *result = finished;
    loop_.stop();
  }));
  const auto ended_now = [&] { return result->has_value(); };
  Status waited = run_until(loop_, ended_now, deadline, name);
  if (waited) return **result;
  signal(pid, SIGKILL);
  return std::move(waited).error();
}

Result<std::string>
Processes::run(sys::Command command, ByteView input, std::chrono::milliseconds deadline)
{
  const std::string name = sys::fs::path{command.argv.front()}.filename().string();
  Finished done = TRY(finish(std::move(command), input, deadline));
  if (done.state.success()) return std::move(done.tail);
  return fail(Errc::io, "{} {}: {}", name, done.state.describe(), last_lines(done.tail));
}

bool Processes::signal(pid_t pid, int number)
{
  const auto at = running_.find(pid);
  if (at == running_.end()) return false;
  const Status sent = at->second->child.kill(number);
  return static_cast<bool>(sent);
}

void Processes::reap_orphans()
{
  while (true) {
    siginfo_t info{};
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return;
    // One of ours: its own descriptor tells, and the next end looks here again.
    if (running_.contains(info.si_pid)) return;
    ::waitpid(info.si_pid, nullptr, WNOHANG);
  }
}

} // namespace dstack::guest
