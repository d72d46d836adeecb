#pragma once
/// The list of hand-off blocks by which the VMM tells TDX firmware about memory, as QEMU writes it:
/// the first thing measured into RTMR0 (UEFI PI 1.8 volume 3, chapter 5; spec host 5.4).

#include "measure/mrtd.hpp"

namespace dstack::measure {

struct MemoryRange {
  std::uint64_t start = 0;
  std::uint64_t size = 0;
  auto operator<=>(const MemoryRange&) const = default;
};

/// What of the firmware the list depends on.
struct TdHobLayout {
  std::uint64_t hob_address = 0;       ///< of the TD_HOB section
  std::vector<MemoryRange> accepted{}; ///< whole pages, ascending, disjoint, not empty
  bool operator==(const TdHobLayout&) const = default;
};

/// The most memory a shape may have: what fits in 52 bits of address.
inline constexpr std::uint64_t max_memory = std::uint64_t{1} << 52U;

/// From the sections of the firmware: the TD_HOB one and the temporary memory.
Result<TdHobLayout> td_hob_layout(const std::vector<TdvfSection>& sections);

/// As measurement documents carry it: LEB128 numbers, in pages (spec host 5.4).
Bytes write_witness(const TdHobLayout& layout);
/// Strict: shortest numbers, at most 64 ranges, nothing behind.
Result<TdHobLayout> parse_witness(ByteView witness);

/// The bytes that are measured, for this much memory. Errc::config when it does not reach beyond
/// the firmware's own.
Result<Bytes> td_hob(const TdHobLayout& layout, std::uint64_t memory_bytes);

} // namespace dstack::measure
