// links: attest
// What parses encodes back to the same bytes, up to zero padding at the end.
#include "attest/quote.hpp"

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const ByteView raw{data, size};
  const auto quote = attest::parse_quote_v4(raw);
  if (!quote) return 0;
  const Bytes again = attest::encode(*quote);
  DSTACK_ASSERT(again.size() <= size && equal(again, raw.first(again.size())));
  return 0;
}
