#include "base/text.hpp"
#include "sys/clock.hpp"
#include "sys/spawn.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <poll.h>
#include <unistd.h>

namespace dstack::sys {

namespace {

/// Feeds stdin and collects stdout and stderr at the same time, so that neither side blocks.
class Exchange {
public:
  Exchange(ByteView input, const RunLimits& limits) : input_(input), limits_(limits) {}

  Status open()
  {
    in_ = TRY(make_pipe());
    out_ = TRY(make_pipe());
    err_ = TRY(make_pipe());
    for (const int fd : {in_.write.get(), out_.read.get(), err_.read.get()})
      TRY(set_nonblocking(fd));
    return ok();
  }

  void give_to(Command& command) const
  {
    command.fds[0] = in_.read.get();
    command.fds[1] = out_.write.get();
    command.fds[2] = err_.write.get();
  }

  void started()
  {
    in_.read.reset();
    out_.write.reset();
    err_.write.reset();
    if (input_.empty()) in_.write.reset();
  }

  /// True when both outputs have ended; false when the deadline passed first.
  bool pump(const Deadline& deadline)
  {
    while (out_.read || err_.read) {
      std::array<pollfd, 3> wait{pollfd{in_.write.get(), POLLOUT, 0},
                                 pollfd{out_.read.get(), POLLIN, 0},
                                 pollfd{err_.read.get(), POLLIN, 0}};
      const int ready = ::poll(wait.data(), wait.size(), static_cast<int>(deadline.left().count()));
      if (ready == 0) return false;
      if (ready < 0) continue;
      if (wait[0].revents != 0) feed();
      if (wait[1].revents != 0) collect(out_.read, output.out);
      if (wait[2].revents != 0) collect(err_.read, output.err);
    }
    return true;
  }

  Output output;

private:
  void feed()
  {
    const ssize_t n = ::write(in_.write.get(), input_.data(), input_.size());
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n > 0) input_ = input_.subspan(static_cast<std::size_t>(n));
    if (n <= 0 || input_.empty()) in_.write.reset();
  }

  void collect(Fd& from, std::string& into) const
  {
    std::array<char, 16384> buffer{};
    const ssize_t n = ::read(from.get(), buffer.data(), buffer.size());
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) {
      from.reset();
      return;
    }
    const std::size_t room = limits_.max_output - std::min(limits_.max_output, into.size());
    into.append(buffer.data(), std::min(room, static_cast<std::size_t>(n)));
  }

  ByteView input_;
  const RunLimits& limits_;
  Pipe in_;
  Pipe out_;
  Pipe err_;
};

std::string last_lines(std::string_view text)
{
  constexpr std::size_t shown = 800;
  std::string_view tail = trim(text);
  if (tail.size() > shown) tail = tail.substr(tail.size() - shown);
  return printable(tail);
}

} // namespace

Result<Output> run(const Command& command, ByteView input, const RunLimits& limits)
{
  const Deadline deadline{limits.deadline};
  Exchange exchange{input, limits};
  TRY(exchange.open());
  Command wired = command;
  exchange.give_to(wired);
  Child child = TRY(spawn(wired));
  exchange.started();
  const bool ended = exchange.pump(deadline);
  auto state = child.wait(ended ? deadline.left() : Millis{0});
  if (!state) {
    static_cast<void>(child.kill(SIGKILL));
    static_cast<void>(TRY(child.wait(Millis{5000})));
    return fail(Errc::timeout, "{} did not finish within {}", command.argv[0],
                format_duration_ms(static_cast<std::uint64_t>(limits.deadline.count())));
  }
  exchange.output.state = *state;
  return std::move(exchange.output);
}

Result<Output> run_ok(const Command& command, ByteView input, const RunLimits& limits)
{
  Output output = TRY(run(command, input, limits));
  if (output.state.success()) return output;
  const std::string said = last_lines(output.err.empty() ? output.out : output.err);
  return fail(Errc::io, "{} {}{}{}", fs::path{command.argv[0]}.filename().string(),
              output.state.describe(), said.empty() ? "" : ": ", said);
}

} // namespace dstack::sys
