// links: dcap
#include "dcap/collateral.hpp"

#include <cstddef>
#include <cstdint>

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const auto first = dcap::collateral_from_json(as_text(ByteView{data, size}));
  if (!first) return 0;
  const auto again = dcap::collateral_from_json(dcap::to_json_text(*first));
  if (!again || !(*again == *first)) __builtin_trap();
  return 0;
}
