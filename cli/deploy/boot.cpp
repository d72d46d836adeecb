#include "cli/deploy/boot.hpp"

#include "base/text.hpp"
#include "sys/clock.hpp"
#include "sys/poll.hpp"

#include <algorithm>
#include <csignal>
#include <unistd.h>

namespace dstack::cli {

namespace {

constexpr std::chrono::milliseconds look_every{100};
constexpr std::chrono::milliseconds end_deadline{10'000};
constexpr std::size_t tail_bytes = std::size_t{32} << 10U;
constexpr std::size_t tail_lines = 15;

/// Looks at the state file, prints what is new, and knows when it is over. The state file, unlike
/// the control socket, is still there when the supervisor died.
class Watcher {
public:
  Watcher(const store::VmRecord& vm, Stages& stages) : vm_(vm), stages_(stages) {}

  /// An end, an error, or nothing yet.
  Result<std::optional<BootEnd>> look()
  {
    const bool supervised = sys::FileLock::is_held(vm_.paths().supervisor_lock());
    const auto state = store::read_state(vm_.directory);
    if (!state) {
      if (supervised) return std::optional<BootEnd>{};
      return state.error();
    }
    if (state->started_at != started_at_) shown_ = 0; // the supervisor began anew
    started_at_ = state->started_at;
    shown_ = std::min(shown_, state->stages.size());
    show(state->stages);
    if (state->status == store::VmStatus::running && app_ready(*state))
      return std::optional<BootEnd>{BootEnd::ready};
    const bool over =
        state->status == store::VmStatus::failed || state->status == store::VmStatus::stopped;
    if (supervised && !(over && has_ended())) return std::optional<BootEnd>{};
    return failure(*state);
  }

private:
  /// The supervisor tells how it went before it ends. Until it has, or takes too long, the VM is in
  /// use: whoever is told of the failure may want to start it again at once.
  bool has_ended()
  {
    if (!ending_) ending_.emplace(end_deadline);
    return ending_->passed();
  }

  static bool app_ready(const store::VmState& state)
  {
    for (const store::VmStage& stage : state.stages)
      if (stage.name == "app.ready") return true;
    return false;
  }

  void show(const std::vector<store::VmStage>& all)
  {
    for (; shown_ < all.size(); ++shown_) {
      const store::VmStage& stage = all[shown_];
      const std::uint64_t before = shown_ == 0 ? 0 : all[shown_ - 1].at_ms;
      const std::string text = stage.text.empty() ? stage.name : stage.text;
      stages_.reached(printable(text), stage.at_ms > before ? stage.at_ms - before : 0);
    }
    stages_.tick();
  }

  Error failure(const store::VmState& state) const
  {
    const std::string reason = !state.last_error.empty() ? printable(state.last_error)
                               : state.exit.empty()      ? "the supervisor ended"
                                                         : state.exit;
    std::string text = fmt::format("the VM did not come up: {}", reason);
    const std::string tail = console_tail(vm_.paths(), tail_lines);
    if (!tail.empty()) text += "\nthe end of its console:\n" + tail;
    text += fmt::format("\n'dstack logs --console {}' shows all of it", vm_.spec.name);
    return Error{Errc::io, text};
  }

  const store::VmRecord& vm_;
  Stages& stages_;
  std::size_t shown_ = 0;
  std::string started_at_;
  std::optional<sys::Deadline> ending_; ///< since it told
};

/// Runs look() until it says so, a signal comes or the time is over.
class Waiting {
public:
  explicit Waiting(Watcher& watcher) : watcher_(watcher) {}

  Result<BootOutcome> run(std::chrono::milliseconds timeout)
  {
    auto loop = TRY(sys::Loop::create());
    TRY(loop->on_signals({SIGINT, SIGTERM, SIGHUP}, [&](int signal) {
      signal_ = signal;
      end(*loop, BootEnd::interrupted);
    }));
    loop->after(timeout, [&] { end(*loop, BootEnd::timed_out); });
    tick(*loop);
    if (!ended_ && !failed_) TRY(loop->run());
    if (failed_) return *failed_;
    return BootOutcome{ended_.value_or(BootEnd::interrupted), signal_};
  }

private:
  void end(sys::Loop& loop, BootEnd how)
  {
    if (!ended_) ended_ = how;
    loop.stop();
  }

  void tick(sys::Loop& loop)
  {
    auto seen = watcher_.look();
    if (!seen) {
      failed_ = Error{seen.error()};
      return loop.stop();
    }
    if (*seen) return end(loop, **seen);
    loop.after(look_every, [this, &loop] { tick(loop); });
  }

  Watcher& watcher_;
  std::optional<BootEnd> ended_;
  int signal_ = 0;
  std::optional<Error> failed_;
};

} // namespace

Result<BootOutcome> follow_boot(const store::VmRecord& vm, const BootWait& wait, Stages& stages)
{
  stages.waiting("booting");
  Watcher watcher{vm, stages};
  Waiting waiting{watcher};
  auto end = waiting.run(wait.timeout);
  stages.end();
  return end;
}

std::string console_tail(const store::VmPaths& paths, std::size_t lines)
{
  const auto size = sys::file_size(paths.console_log());
  const auto fd = sys::open_read(paths.console_log());
  if (!size || !fd) return "";
  if (*size > tail_bytes) ::lseek(fd->get(), static_cast<off_t>(*size - tail_bytes), SEEK_SET);
  const auto bytes = sys::read_to_end(fd->get(), tail_bytes * 2);
  if (!bytes) return "";
  std::vector<std::string> kept;
  for (const std::string_view line : split(as_text(*bytes), '\n'))
    if (!trim(line).empty()) kept.push_back("| " + printable(trim(line)));
  if (kept.size() > lines)
    kept.erase(kept.begin(), kept.end() - static_cast<std::ptrdiff_t>(lines));
  return join(kept, "\n");
}

} // namespace dstack::cli
