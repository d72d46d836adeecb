#include "crypto/random.hpp"

#include <cerrno>
#include <sys/random.h>

namespace dstack::crypto {

void random_bytes(std::span<std::uint8_t> out)
{
  while (!out.empty()) {
    const ssize_t n = ::getrandom(out.data(), out.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    DSTACK_ASSERT(n > 0);
    out = out.subspan(static_cast<std::size_t>(n));
  }
}

std::string random_hex(std::size_t bytes)
{
  Bytes raw(bytes);
  random_bytes(raw);
  return hex(raw);
}

} // namespace dstack::crypto
