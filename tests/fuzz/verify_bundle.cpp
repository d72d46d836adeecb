// links: verify
#include "verify/bundle.hpp"

#include <cstddef>
#include <cstdint>

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const auto bundle = verify::bundle_from_text(as_text(ByteView{data, size}));
  if (!bundle) return 0;
  const std::string text = verify::to_text(*bundle);
  const auto again = verify::bundle_from_text(text);
  if (!again || verify::to_text(*again) != text) __builtin_trap();
  return 0;
}
