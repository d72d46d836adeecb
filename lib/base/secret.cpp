#include "base/secret.hpp"

#include <cstring>

namespace dstack {

void wipe(std::span<std::uint8_t> memory)
{
  if (!memory.empty()) explicit_bzero(memory.data(), memory.size());
}

} // namespace dstack
