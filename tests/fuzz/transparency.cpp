// links: transparency
// What gateways publish and what searches of certificate logs answer, certificates included: all of
// it bounded, everything that is listed is of the domain.
#include "transparency/acme_info.hpp"
#include "transparency/check.hpp"

#include <algorithm>

using namespace dstack;
using namespace dstack::transparency;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const ByteView raw{data, size};
  if (const auto info = parse_acme_info(as_text(raw)))
    for (const QuotedKey& key : info->keys)
      DSTACK_ASSERT(!key.spki.empty());
  if (const auto feed = parse_feed(as_text(raw)))
    DSTACK_ASSERT(std::is_sorted(feed->begin(), feed->end(),
                                 [](const auto& a, const auto& b) { return a.id > b.id; }));
  if (const auto seen = read_seen("x", raw, "example.org"))
    for (const SeenCertificate& one : *seen) {
      const bool ours = std::any_of(one.names.begin(), one.names.end(), [](const auto& name) {
        return is_of_domain(name, "example.org");
      });
      DSTACK_ASSERT(ours && !one.spki.empty());
    }
  return 0;
}
