// links: oci
// What parses prints a canonical form that parses to the same reference.
#include "oci/reference.hpp"

#include "base/bytes.hpp"

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const auto reference = oci::parse_reference(as_text({data, size}));
  if (!reference) return 0;
  const auto again = oci::parse_reference(reference->canonical());
  DSTACK_ASSERT(again && *again == *reference);
  return 0;
}
