/// Whatever this process frees is overwritten first: strings, trees and buffers that keys went
/// through on their way into an answer do not stay in the heap. The types for secrets wipe
/// themselves already; this is for everything that copies.

#include "base/secret.hpp"

#include <algorithm>
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

void* take(std::size_t size)
{
  // NOLINTNEXTLINE(cppcoreguidelines-no-malloc)
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc{};
  return memory;
}

void* take_aligned(std::size_t size, std::align_val_t alignment)
{
  const auto step = static_cast<std::size_t>(alignment);
  const std::size_t whole = (std::max(size, std::size_t{1}) + step - 1) / step * step;
  void* memory = std::aligned_alloc(step, whole);
  if (memory == nullptr) throw std::bad_alloc{};
  return memory;
}

} // namespace

// Both sides, so that a checker of allocations sees a pair.
void* operator new(std::size_t size)
{
  return take(size);
}
void* operator new[](std::size_t size)
{
  return take(size);
}
void* operator new(std::size_t size, std::align_val_t alignment)
{
  return take_aligned(size, alignment);
}
void* operator new[](std::size_t size, std::align_val_t alignment)
{
  return take_aligned(size, alignment);
}

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
