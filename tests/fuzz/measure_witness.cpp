// links: measure
// Any bytes as a TD HOB witness: refused, or written again as the same bytes, and never a list that
// grows with what a number in it says.
#include "measure/td_hob.hpp"

#include <cstdlib>

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const ByteView witness{data, size};
  const auto layout = measure::parse_witness(witness);
  if (!layout) return 0;
  if (!equal(measure::write_witness(*layout), witness)) std::abort();
  for (const unsigned shift : {20U, 31U, 36U, 52U}) {
    const auto hob = measure::td_hob(*layout, std::uint64_t{1} << shift);
    if (hob && hob->size() > 56 + 48 * (2 * measure::max_sections + 2)) std::abort();
  }
  return 0;
}
