// links: snp
// Any bytes as the table of certificates a host hands over: refused, or what it gives is no more
// than what went in.
#include "snp/cert_table.hpp"

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const auto read = snp::read_certificate_table({data, size});
  if (!read) return 0;
  for (const Bytes* part : {&read->vcek, &read->ask, &read->ark, &read->crl})
    DSTACK_ASSERT(part->size() <= size);
  return 0;
}
