#pragma once
/// Random bytes from the kernel.

#include "base/bytes.hpp"

namespace dstack::crypto {

/// Fills from getrandom(2); a kernel without randomness ends the process.
void random_bytes(std::span<std::uint8_t> out);
/// Lower-case hex of that many random bytes.
std::string random_hex(std::size_t bytes);

} // namespace dstack::crypto
