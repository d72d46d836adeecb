#pragma once
/// Child processes: argument vectors only, explicit environment and descriptors, waited through
/// pidfds. Never a shell.

#include "sys/fd.hpp"
#include "sys/files.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <sys/types.h>
#include <vector>

namespace dstack::sys {

using Millis = std::chrono::milliseconds;

enum class Lifetime {
  with_parent, ///< killed (SIGKILL) when the thread that spawned it dies
  detached     ///< own session, survives
};

struct Command {
  std::vector<std::string> argv{}; ///< argv[0] is the program: a path, or a name for PATH
  std::vector<std::pair<std::string, std::string>> env{}; ///< added to the inherited environment
  bool clear_env = false;   ///< start from nothing instead of inheriting
  fs::path directory{};     ///< working directory, empty = ours
  std::map<int, int> fds{}; ///< child number -> our descriptor; 0,1,2 default to /dev/null
  Lifetime lifetime = Lifetime::with_parent;
};

/// How a process ended.
struct ExitState {
  int code = 0;   ///< exit status, when signal == 0
  int signal = 0; ///< terminating signal, 0 when it exited
  bool success() const { return code == 0 && signal == 0; }
  /// "exited with status 3" / "killed by signal 9 (Killed)"
  std::string describe() const;
};

class Child {
public:
  Child(pid_t pid, Fd pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}
  pid_t pid() const { return pid_; }
  /// Readable (poll) once the process has ended.
  int pidfd() const { return pidfd_.get(); }
  /// The end state if it has ended; reaps. Call again returns the same.
  Result<std::optional<ExitState>> try_wait();
  /// Waits; Errc::timeout leaves the child running.
  Result<ExitState> wait(Millis deadline);
  Status kill(int signal) const;

private:
  pid_t pid_;
  Fd pidfd_;
  std::optional<ExitState> ended_;
};

Result<Child> spawn(const Command& command);

struct Output {
  ExitState state;
  std::string out;
  std::string err;
};

struct RunLimits {
  Millis deadline{60'000};
  std::size_t max_output = std::size_t{1}
                           << 20U; ///< per stream; more is cut, the child keeps running
};

/// Runs to the end with input on stdin; stdout and stderr captured apart. Past the deadline the
/// child is killed and the result is Errc::timeout.
Result<Output> run(const Command& command, ByteView input, const RunLimits& limits);
/// As run, but a non-zero end is an Errc::io naming program, status and the last stderr lines.
Result<Output> run_ok(const Command& command, ByteView input, const RunLimits& limits);

/// Absolute path of a program: $DSTACK_TOOLS_DIR/<name> first, then PATH and the sbin directories.
Result<fs::path> find_program(std::string_view name);

} // namespace dstack::sys
