/// Whatever this process frees is overwritten first: strings, trees and buffers that keys went
/// through on their way into an answer do not stay in the heap. The types for secrets wipe
/// themselves already; this is for everything that copies.

#include "base/secret.hpp"

#include <cstdlib>
#include <malloc.h>
#include <new>

namespace {

void wipe_and_free(void* memory) noexcept
{
  if (memory == nullptr) return;
  dstack::wipe({static_cast<std::uint8_t*>(memory), ::malloc_usable_size(memory)});
  std::free(memory); // NOLINT(cppcoreguidelines-no-malloc)
}

} // namespace

void operator delete(void* memory) noexcept
{
  wipe_and_free(memory);
}
void operator delete[](void* memory) noexcept
{
  wipe_and_free(memory);
}
void operator delete(void* memory, std::size_t /*size*/) noexcept
{
  wipe_and_free(memory);
}
void operator delete[](void* memory, std::size_t /*size*/) noexcept
{
  wipe_and_free(memory);
}
void operator delete(void* memory, const std::nothrow_t& /*tag*/) noexcept
{
  wipe_and_free(memory);
}
void operator delete[](void* memory, const std::nothrow_t& /*tag*/) noexcept
{
  wipe_and_free(memory);
}
void operator delete(void* memory, std::align_val_t /*alignment*/) noexcept
{
  wipe_and_free(memory);
}
void operator delete[](void* memory, std::align_val_t /*alignment*/) noexcept
{
  wipe_and_free(memory);
}
void operator delete(void* memory, std::size_t /*size*/, std::align_val_t /*alignment*/) noexcept
{
  wipe_and_free(memory);
}
void operator delete[](void* memory, std::size_t /*size*/, std::align_val_t /*alignment*/) noexcept
{
  wipe_and_free(memory);
}
