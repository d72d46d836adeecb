#pragma once
/// Programs started by PID 1, their ends seen in the loop; and the orphans every PID 1 inherits.

#include "sys/poll.hpp"
#include "sys/spawn.hpp"

#include <map>
#include <memory>

namespace dstack::guest {

/// How a program ended and the last piece of what it wrote (stdout and stderr together).
struct Finished {
  sys::ExitState state;
  std::string tail;
};

/// Runs the loop until a condition holds. Whoever makes a condition true calls loop.stop(); the
/// boot flow is the only caller, so runs never nest.
Status run_until(sys::Loop& loop,
                 const std::function<bool()>& done,
                 std::chrono::milliseconds deadline,
                 std::string_view what);

class Processes {
public:
  explicit Processes(sys::Loop& loop) : loop_(loop) {}
  ~Processes();
  Processes(const Processes&) = delete;
  Processes& operator=(const Processes&) = delete;

  using OnEnd = std::function<void(const Finished&)>;
  using OnOutput = std::function<void(std::string_view)>;

  /// Starts a program with input on stdin; on_end is called from the loop.
  Result<pid_t> start(sys::Command command, ByteView input, OnEnd on_end);
  /// Runs a program to its end while the loop serves everything else; past the deadline it is
  /// killed and the result is Errc::timeout.
  Result<Finished> finish(sys::Command command, ByteView input, std::chrono::milliseconds deadline);
  /// As finish, but a non-zero end is an error naming the program, its status and its last lines.
  Result<std::string> run(sys::Command command, ByteView input, std::chrono::milliseconds deadline);
  /// Asks a started program to end; false when it has already.
  bool signal(pid_t pid, int number);
  bool is_running(pid_t pid) const { return running_.contains(pid); }

  /// Collects ended children that nobody started here (on SIGCHLD).
  void reap_orphans();

private:
  struct Running {
    sys::Child child;
    sys::Fd output;
    std::string tail;
    OnEnd on_end;
  };
  void read_output(Running& running);
  void ended(pid_t pid);

  sys::Loop& loop_;
  std::map<pid_t, std::shared_ptr<Running>> running_;
};

/// The last lines of a program's output that fit a message, safe to print.
std::string last_lines(std::string_view output);

} // namespace dstack::guest
