#pragma once
/// What custom domains were found to be, for as long as DNS allows (spec gateway 9.5). Bounded.

#include "base/text.hpp"
#include "route/custom_domain.hpp"

#include <list>
#include <unordered_map>

namespace dstack::gateway {

class NameCache {
public:
  static constexpr std::size_t max_names = 256;
  static constexpr std::int64_t most_positive_ms = 3'600'000;
  static constexpr std::int64_t most_negative_ms = 10'000;

  using Answer = Result<route::CustomTarget>;
  /// nullptr when nothing (that still counts) is known.
  const Answer* find(std::string_view host, Time now);
  /// ttl: of the record, or of its absence. Errors count for 10 s at most.
  void put(const std::string& host, Answer answer, std::int64_t ttl_ms, Time now);
  std::size_t size() const { return names_.size(); }

private:
  struct Entry {
    std::string host;
    Answer answer;
    Time until{};
  };
  std::list<Entry> entries_{}; ///< the one asked for last is first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> names_{};
};

} // namespace dstack::gateway
