// links: host
// Any bytes as recorded facts: refused, or they can be judged for every platform, and every check
// says what was seen and, unless it is good, what to do.
#include "host/checks.hpp"

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const auto facts = host::Facts::parse(as_text({data, size}));
  if (!facts) return 0;
  for (const auto platform : {host::Platform::sim, host::Platform::tdx, host::Platform::snp})
    for (const host::Check& check : host::judge(*facts, platform)) {
      DSTACK_ASSERT(!check.name.empty() && !check.evidence.empty());
      DSTACK_ASSERT(check.remedy.empty() == (check.severity == host::Severity::good));
    }
  DSTACK_ASSERT(host::Facts::parse(codec::write_json(facts->json())));
  return 0;
}
