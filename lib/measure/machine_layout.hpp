#pragma once
/// How the machines that hosts start lay out memory and buses (QEMU hw/i386/pc_q35.c).

#include <cstdint>

namespace dstack::measure {

inline constexpr std::uint64_t gib = std::uint64_t{1} << 30U;
inline constexpr std::uint64_t page_size = 4096;
inline constexpr std::uint64_t split_memory = 0xb0000000; ///< from here on the low part is 2 GiB
inline constexpr std::uint64_t low_memory_of_split = 0x80000000;
inline constexpr std::uint8_t first_expander_bus = 5;

/// RAM below the PCI hole.
constexpr std::uint64_t memory_below_4g(std::uint64_t memory)
{
  return memory >= split_memory ? low_memory_of_split : memory;
}

} // namespace dstack::measure
