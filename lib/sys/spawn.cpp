#include "sys/spawn.hpp"

#include "sys/clock.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ; // NOLINT(readability-redundant-declaration): POSIX leaves it to the program

namespace dstack::sys {

std::string ExitState::describe() const
{
  if (signal != 0) return fmt::format("killed by signal {} ({})", signal, ::strsignal(signal));
  return fmt::format("exited with status {}", code);
}

namespace {

std::vector<std::string> environment_of(const Command& command)
{
  std::vector<std::string> out;
  for (char** entry = environ; !command.clear_env && entry != nullptr && *entry != nullptr;
       ++entry) {
    const std::string_view text{*entry};
    const std::string_view name = text.substr(0, text.find('='));
    const auto replaced = [&](const auto& own) { return own.first == name; };
    if (std::none_of(command.env.begin(), command.env.end(), replaced)) out.emplace_back(text);
  }
  for (const auto& [name, value] : command.env)
    out.push_back(fmt::format("{}={}", name, value));
  return out;
}

std::vector<char*> pointers(std::vector<std::string>& texts)
{
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (std::string& text : texts)
    out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

/// Everything the child needs, prepared before fork: between fork and exec only async-signal-safe
/// calls are made.
struct Prepared {
  std::string program;
  std::vector<std::string> args;
  std::vector<std::string> env;
  std::vector<char*> argv;
  std::vector<char*> envp;
  std::vector<std::pair<int, int>> fds; ///< child number, our number
  int highest = 2;
  pid_t parent = 0;
};

Result<std::unique_ptr<Prepared>> prepare(const Command& command, int null_fd)
{
  DSTACK_ASSERT(!command.argv.empty());
  auto out = std::make_unique<Prepared>();
  out->program = TRY(find_program(command.argv[0])).string();
  out->args = command.argv;
  out->env = environment_of(command);
  out->argv = pointers(out->args);
  out->envp = pointers(out->env);
  for (int fd = 0; fd <= 2; ++fd)
    if (!command.fds.contains(fd)) out->fds.emplace_back(fd, null_fd);
  for (const auto& [child, ours] : command.fds) {
    out->fds.emplace_back(child, ours);
    out->highest = std::max(out->highest, child);
  }
  out->parent = ::getpid();
  return out;
}

void reset_signals()
{
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (int signal = 1; signal < NSIG; ++signal)
    ::signal(signal, SIG_DFL);
}

[[noreturn]] void child_main(Prepared& prepared, const Command& command, int report)
{
  // The report descriptor must survive the moves and vanish at exec.
  const int keep = ::fcntl(report, F_DUPFD_CLOEXEC, prepared.highest + 64);
  const auto give_up = [&] {
    const int error = errno;
    static_cast<void>(!::write(keep, &error, sizeof error));
    ::_exit(127);
  };
  if (command.lifetime == Lifetime::with_parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != prepared.parent) ::_exit(127); // the parent died before prctl
  } else {
    ::setsid();
  }
  if (!command.directory.empty() && ::chdir(command.directory.c_str()) != 0) give_up();
  // First all descriptors above the highest target, then down: no move overwrites one still needed.
  for (auto& [child, ours] : prepared.fds) {
    ours = ::fcntl(ours, F_DUPFD_CLOEXEC, prepared.highest + 1);
    if (ours < 0) give_up();
  }
  for (const auto& [child, ours] : prepared.fds)
    if (::dup2(ours, child) < 0) give_up();
  // Whatever a library opened without close-on-exec stays ours (Linux 5.11; older: flag by flag).
  constexpr unsigned cloexec_flag = 4; // CLOSE_RANGE_CLOEXEC
  ::syscall(SYS_close_range, static_cast<unsigned>(prepared.highest + 1), ~0U, cloexec_flag);
  reset_signals();
  ::execve(prepared.program.c_str(), prepared.argv.data(), prepared.envp.data());
  give_up();
  ::_exit(127);
}

Result<Fd> open_pidfd(pid_t pid)
{
  Fd fd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
  if (!fd) return errno_error("pidfd_open");
  ::fcntl(fd.get(), F_SETFD, FD_CLOEXEC);
  return fd;
}

} // namespace

Result<Child> spawn(const Command& command)
{
  const Fd null_fd{::open("/dev/null", O_RDWR | O_CLOEXEC)};
  if (!null_fd) return errno_error("open /dev/null");
  const std::unique_ptr<Prepared> prepared = TRY(prepare(command, null_fd.get()));
  Pipe report = TRY(make_pipe());
  const pid_t pid = ::fork();
  if (pid < 0) return errno_error("fork");
  if (pid == 0) child_main(*prepared, command, report.write.get());
  report.write.reset();
  int error = 0;
  const Bytes told = TRY(read_some(report.read.get(), sizeof error));
  if (told.size() == sizeof error) {
    std::memcpy(&error, told.data(), sizeof error);
    ::waitpid(pid, nullptr, 0);
    return errno_error(fmt::format("start {}", prepared->program), error);
  }
  return Child{pid, TRY(open_pidfd(pid))};
}

Result<std::optional<ExitState>> Child::try_wait()
{
  if (ended_) return ended_;
  int status = 0;
  const pid_t got = ::waitpid(pid_, &status, WNOHANG);
  if (got < 0) return errno_error("waitpid");
  if (got == 0) return std::optional<ExitState>{};
  ended_ = WIFSIGNALED(status) ? ExitState{0, WTERMSIG(status)} : ExitState{WEXITSTATUS(status), 0};
  return ended_;
}

Result<ExitState> Child::wait(Millis deadline)
{
  const Deadline until{deadline};
  while (true) {
    const auto state = TRY(try_wait());
    if (state) return *state;
    pollfd wait{pidfd_.get(), POLLIN, 0};
    const int ready = ::poll(&wait, 1, static_cast<int>(until.left().count()));
    if (ready == 0) return fail(Errc::timeout, "process {} still runs", pid_);
  }
}

Status Child::kill(int signal) const
{
  if (ended_) return ok();
  if (::syscall(SYS_pidfd_send_signal, pidfd_.get(), signal, nullptr, 0) != 0 && errno != ESRCH)
    return errno_error("kill");
  return ok();
}

Result<fs::path> find_program(std::string_view name)
{
  if (name.find('/') != std::string_view::npos) return fs::path{name};
  std::vector<std::string> places;
  if (const char* tools = std::getenv("DSTACK_TOOLS_DIR")) places.emplace_back(tools);
  const char* path = std::getenv("PATH");
  for (const std::string_view place : split(path == nullptr ? "" : path, ':'))
    if (place.starts_with('/')) places.emplace_back(place);
  for (const char* place : {"/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"})
    places.emplace_back(place);
  for (const std::string& place : places) {
    const fs::path candidate = fs::path{place} / name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return fail(Errc::not_found, "the program '{}' is not installed (looked in PATH and sbin)", name);
}

} // namespace dstack::sys
