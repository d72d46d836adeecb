#pragma once
/// What a verification did and judged.

#include <cstdint>
#include <string_view>

namespace dstack::dcap {

/// Counted where it happens, so that speed can be compared with what it paid for.
struct Counts {
  unsigned signatures = 0;   ///< ECDSA verifications
  unsigned remembered = 0;   ///< signatures known good from the same bytes before
  unsigned certificates = 0; ///< parsed
  unsigned windows = 0;      ///< validity periods judged
  unsigned comparisons = 0;  ///< identities, serial numbers and values compared

  Counts& operator+=(const Counts& other)
  {
    signatures += other.signatures;
    remembered += other.remembered;
    certificates += other.certificates;
    windows += other.windows;
    comparisons += other.comparisons;
    return *this;
  }
};

/// A validity period that takes part in the verdict; Unix seconds, both ends included.
struct Window {
  std::string_view what{};
  std::int64_t from = 0;
  std::int64_t to = 0;
};

} // namespace dstack::dcap
