#include "crypto/memory.hpp"

#include "base/secret.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <malloc.h>
#include <openssl/crypto.h>

namespace dstack::crypto {

namespace {

void* take(std::size_t size, const char* /*file*/, int /*line*/)
{
  return std::malloc(size); // NOLINT(cppcoreguidelines-no-malloc)
}

void give_back(void* memory, const char* /*file*/, int /*line*/)
{
  if (memory == nullptr) return;
  wipe({static_cast<std::uint8_t*>(memory), ::malloc_usable_size(memory)});
  std::free(memory); // NOLINT(cppcoreguidelines-no-malloc)
}

/// realloc would leave the old place as it is.
void* resize(void* memory, std::size_t size, const char* file, int line)
{
  if (memory == nullptr) return take(size, file, line);
  if (size == 0) {
    give_back(memory, file, line);
    return nullptr;
  }
  void* larger = take(size, file, line);
  if (larger == nullptr) return nullptr;
  std::memcpy(larger, memory, std::min(size, ::malloc_usable_size(memory)));
  give_back(memory, file, line);
  return larger;
}

} // namespace

void wipe_freed_memory()
{
  static_cast<void>(CRYPTO_set_mem_functions(take, resize, give_back));
}

} // namespace dstack::crypto
