#pragma once
/// When a certificate is to be got. Certificates expire by the wall clock, which may jump, so that
/// is compared anew each time; pauses between attempts run on a clock that never steps, so a jump
/// makes no storm and no pause that never ends.

#include "acme/renewal.hpp"

namespace dstack::certs {

class Schedule {
public:
  /// random: this certificate's share of chance.
  Schedule(const acme::RenewalSettings& settings, std::uint64_t random)
      : settings_(settings), random_(random)
  {
  }

  /// One from before is in use.
  void holds(Time not_before, Time not_after);
  /// One was issued: not before a third of its lifetime has passed another is asked for, even when
  /// the clock says that it is about to expire.
  void issued(Time not_before, Time not_after, std::int64_t steady_ms);
  /// At least retry_after_ms are waited, if the authority says so, though at most a week.
  /// Returns the pause.
  std::int64_t
  failed(std::optional<std::int64_t> retry_after_ms, std::int64_t steady_ms, std::uint64_t random);
  /// What the authority says about the one in use; never later than a tenth of its lifetime before
  /// it expires.
  void renewal_info(const acme::RenewalInfo& info);
  /// Now, and after failures again until there is one.
  void force()
  {
    forced_ = true;
    ready_ms_ = 0;
  }

  /// What made it fail may be gone: no pause any more.
  void hurry()
  {
    if (failures_ > 0) ready_ms_ = 0;
  }

  bool due(Time now, std::int64_t steady_ms) const;
  /// How long it cannot become due, as the clocks stand.
  std::int64_t quiet_ms(Time now, std::int64_t steady_ms) const;
  std::optional<Time> renewal() const { return renewal_; }
  unsigned failures() const { return failures_; }
  /// Of the pause after a failure.
  std::int64_t pause_left_ms(std::int64_t steady_ms) const;

private:
  acme::RenewalSettings settings_;
  std::uint64_t random_;
  Time not_before_{};
  Time not_after_{};
  std::optional<Time> renewal_{}; ///< absent: there is none
  std::int64_t ready_ms_ = 0;     ///< of the steady clock
  unsigned failures_ = 0;         ///< in a row
  bool forced_ = false;
};

} // namespace dstack::certs
