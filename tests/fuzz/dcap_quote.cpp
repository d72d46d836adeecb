// links: dcap
#include "dcap/verify.hpp"

#include <cstddef>
#include <cstdint>

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const ByteView raw{data, size};
  const auto quote = dcap::parse_quote(raw);
  if (!quote) return 0;
  static_cast<void>(dcap::attribute_flags(*quote));
  static_cast<void>(dcap::platform_ids(*quote));
  const std::size_t taken = quote->signed_part.size() + quote->certification_data.size();
  if (taken > size) __builtin_trap();
  return 0;
}
