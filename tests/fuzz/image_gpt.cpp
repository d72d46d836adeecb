// links: image
// A table that reads writes back to the same primary copy.
#include "image/gpt.hpp"

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  constexpr std::uint64_t sectors = 1U << 20U;
  const ByteView head{data, size};
  const auto table = image::parse_gpt(head, sectors);
  if (!table) return 0;
  const auto again = image::write_gpt(*table, sectors);
  DSTACK_ASSERT(again);
  DSTACK_ASSERT(image::parse_gpt(again->head, sectors)->partitions.size() ==
                table->partitions.size());
  return 0;
}
