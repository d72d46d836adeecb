#pragma once
/// How much one source may ask of us: connections at a time and new ones a second. A source is an
/// IPv4 address or an IPv6 /64, which is one customer's network (RFC 6177).

#include "base/text.hpp"
#include "route/ip.hpp"

#include <unordered_map>

namespace dstack::route {

struct SourceLimitSettings {
  std::uint32_t max_open = 1'000;
  std::uint32_t per_second = 200;
  std::uint32_t burst = 400;
  std::size_t max_sources = 65'536; ///< remembered; beyond that, new ones share one allowance
};

/// Bounded memory whoever connects. Not for several threads.
class SourceLimits {
public:
  /// seed: random, so that nobody can choose addresses that collide.
  SourceLimits(const SourceLimitSettings& settings, std::uint64_t seed);

  enum class Verdict { admitted, too_many_open, too_fast };
  /// Each admitted connection is closed() once, with the same address.
  Verdict admit(const Address& address, Time now);
  void closed(const Address& address);
  std::size_t remembered() const { return sources_.size(); }

private:
  struct Source {
    std::uint32_t open = 0;
    std::int64_t milli_tokens = 0;
    Time filled{};
  };
  struct Hash {
    std::uint64_t seed = 0;
    std::size_t operator()(const Address& address) const;
  };

  Source& source_of(const Address& address, Time now);
  void refill(Source& source, Time now) const;
  void forget_idle(Time now);

  SourceLimitSettings settings_;
  std::unordered_map<Address, Source, Hash> sources_;
  Source others_{}; ///< all who came when the table was full
  Time swept_{};
};

} // namespace dstack::route
