#pragma once
/// Progress of a command as a list of stages with their times, on stderr.

#include "cli/ui/console.hpp"

#include <cstdint>
#include <vector>

namespace dstack::cli {

struct StageTime {
  std::string name;
  std::uint64_t ms = 0;
};

/// On a terminal the running stage is one line with its elapsed time; elsewhere each stage is one
/// plain line when it ends.
class Stages {
public:
  enum class Lines { all, slow_ones }; ///< slow_ones: only what took a second or more
  explicit Stages(Console& console, Lines lines = Lines::all);
  ~Stages();
  Stages(const Stages&) = delete;
  Stages& operator=(const Stages&) = delete;

  /// Ends the running stage, if any, and starts the next.
  void begin(std::string name);
  /// Something worth adding to the running stage's line.
  void detail(std::string text) { detail_ = std::move(text); }
  /// Redraws the live line; cheap, call it whenever something happened or time passed.
  void tick();
  void end();
  /// A stage that somebody else timed: recorded and printed.
  void reached(std::string name, std::uint64_t took_ms);
  /// Starts showing a running stage without recording it (for reached stages).
  void waiting(std::string name);
  const std::vector<StageTime>& times() const { return times_; }
  std::uint64_t total_ms() const;

private:
  void print(const std::string& name, std::int64_t took);

  Console& console_;
  Lines lines_;
  std::string name_;
  std::string detail_;
  std::int64_t start_ms_;
  std::int64_t stage_ms_ = 0;
  std::int64_t drawn_ms_ = 0;
  bool recorded_ = true;
  std::vector<StageTime> times_;
};

} // namespace dstack::cli
