// links: route
// More bytes never change a header or a refusal; what was understood is written and read again.
#include "route/proxy_header.hpp"

using namespace dstack;
using namespace dstack::route;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const ByteView bytes{data, size};
  const ProxyOutcome whole = read_proxy_header(bytes);
  for (std::size_t n = 0; n < size; n += size / 64 + 1) {
    const ProxyOutcome early = read_proxy_header(bytes.first(n));
    DSTACK_ASSERT(std::holds_alternative<ProxyNeedMore>(early) || early == whole);
  }
  const auto* header = std::get_if<ProxyHeader>(&whole);
  if (header == nullptr) return 0;
  DSTACK_ASSERT(header->size <= size);
  DSTACK_ASSERT(read_proxy_header(bytes.first(header->size)) == whole);
  const Bytes written = write_proxy_header(ProxyHeader::Version::v2, header->addresses);
  const ProxyHeader again{ProxyHeader::Version::v2, header->addresses, written.size()};
  DSTACK_ASSERT(read_proxy_header(written) == ProxyOutcome{again});
  return 0;
}
