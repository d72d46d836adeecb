// links: measure
// Any bytes as a kernel: refused, or hashed without reading outside them; as served or as it is.
#include "measure/kernel.hpp"

#include <cstdlib>

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const ByteView kernel{data, size};
  static_cast<void>(measure::authenticode_sha256(kernel));
  const measure::KernelServing serving{std::uint64_t{2} << 30U, size};
  const auto served = measure::served_kernel(kernel, serving);
  if (!served) return 0;
  const auto whole = measure::authenticode_sha384(*served);
  const auto pieces = measure::kernel_digest(kernel, serving);
  if (static_cast<bool>(whole) != static_cast<bool>(pieces) || (whole && *whole != *pieces))
    std::abort();
  return 0;
}
