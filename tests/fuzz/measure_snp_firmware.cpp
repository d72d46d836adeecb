// links: measure
// Any bytes as SEV firmware: refused, or sections within their limits that a document can carry.
#include "measure/documents.hpp"

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const auto firmware = measure::snp_firmware({data, size});
  if (!firmware) return 0;
  DSTACK_ASSERT(size % 4096 == 0 && firmware->hash_table_address != 0);
  DSTACK_ASSERT(firmware->sections.size() <= measure::max_snp_sections);
  measure::SnpImage image;
  image.firmware = *firmware;
  const auto again = measure::parse_snp_document(measure::write_document(image));
  DSTACK_ASSERT(again && *again == image);
  return 0;
}
