// links: codec
// What is accepted writes back to text that reads as the same tree.
#include "codec/json.hpp"

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const auto value = codec::parse_json(as_text({data, size}), {.max_bytes = 65536});
  if (!value) return 0;
  for (const auto escape : {codec::JsonEscape::utf8, codec::JsonEscape::ascii}) {
    const auto again = codec::parse_json(codec::write_json(*value, {.escape = escape}));
    DSTACK_ASSERT(again && *again == *value);
  }
  return 0;
}
