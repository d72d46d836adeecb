#pragma once
/// Several nodes get certificates for the same domains, one at a time: who has the turn asks the
/// authority, what comes of it is everybody's.

#include "certs/settings.hpp"

namespace dstack::certs {

/// Everything blocks and runs on other threads than the loop's. Errors end the issuance.
class Turn {
public:
  Turn() = default;
  virtual ~Turn() = default;
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  /// Errc::denied: another node has it, or has done since what this one was for.
  virtual Status take() = 0;
  /// Proven with the majority of the nodes' store, now: asked before every step that an authority
  /// sees.
  virtual Status holds() = 0;
  /// When it returns, every node answers these.
  virtual Status answer(const Challenges& all) = 0;
  /// For all nodes; only as long as the turn is ours.
  virtual Status keep(const Certificate& certificate) = 0;
  virtual Status keep(const Account& account) = 0;
  /// Nothing is answered any more, and another may have it; also when it was never taken.
  virtual void leave() = 0;
};

} // namespace dstack::certs
