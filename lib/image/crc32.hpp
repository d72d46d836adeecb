#pragma once
/// CRC-32 as in ISO 3309, used by partition tables.

#include "base/bytes.hpp"

namespace dstack::image {

inline std::uint32_t crc32(ByteView data)
{
  constexpr std::uint32_t reversed_polynomial = 0xedb88320U;
  std::uint32_t crc = ~0U;
  for (const std::uint8_t byte : data) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit)
      crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? reversed_polynomial : 0);
  }
  return ~crc;
}

} // namespace dstack::image
