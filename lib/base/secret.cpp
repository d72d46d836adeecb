#include "base/secret.hpp"

#include <cstring>

namespace dstack {

void wipe(std::span<std::uint8_t> memory)
{
  explicit_bzero(memory.data(), memory.size());
}

} // namespace dstack
