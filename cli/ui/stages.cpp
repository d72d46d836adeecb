#include "cli/ui/stages.hpp"

#include "base/text.hpp"
#include "sys/clock.hpp"

namespace dstack::cli {

namespace {

constexpr std::int64_t redraw_ms = 100;
constexpr std::int64_t slow_ms = 1000;

std::string seconds(std::int64_t ms)
{
  return fmt::format("{}.{}s", ms / 1000, ms % 1000 / 100);
}

} // namespace

Stages::Stages(Console& console, Lines lines)
    : console_(console), lines_(lines), start_ms_(sys::monotonic_ms())
{
}

Stages::~Stages()
{
  console_.clear_live();
}

void Stages::begin(std::string name)
{
  end();
  recorded_ = true;
  name_ = std::move(name);
  stage_ms_ = sys::monotonic_ms();
  drawn_ms_ = 0;
  tick();
}

void Stages::tick()
{
  const std::int64_t now = sys::monotonic_ms();
  if (name_.empty() || now - drawn_ms_ < redraw_ms) return;
  drawn_ms_ = now;
  console_.live(fmt::format("  {} … {}{}{}", name_, seconds(now - stage_ms_),
                            detail_.empty() ? "" : "  ", detail_));
}

void Stages::print(const std::string& name, std::int64_t took)
{
  if (lines_ == Lines::slow_ones && took < slow_ms) return;
  console_.note(
      fmt::format("  {:<32} {:>7}{}{}", name, seconds(took), detail_.empty() ? "" : "  ", detail_));
}

void Stages::end()
{
  if (name_.empty()) return;
  console_.clear_live();
  const std::int64_t took = sys::monotonic_ms() - stage_ms_;
  if (recorded_) {
    times_.push_back({name_, static_cast<std::uint64_t>(took)});
    print(name_, took);
  }
  name_.clear();
  detail_.clear();
}

void Stages::reached(std::string name, std::uint64_t took_ms)
{
  print(name, static_cast<std::int64_t>(took_ms));
  times_.push_back({std::move(name), took_ms});
  stage_ms_ = sys::monotonic_ms();
}

void Stages::waiting(std::string name)
{
  begin(std::move(name));
  recorded_ = false;
}

std::uint64_t Stages::total_ms() const
{
  return static_cast<std::uint64_t>(sys::monotonic_ms() - start_ms_);
}

} // namespace dstack::cli
