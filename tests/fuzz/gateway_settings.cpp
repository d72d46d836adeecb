// links: gateway
// gateway.toml: no crash; what is taken is written so that it is read the same again.
#include "base/bytes.hpp"
#include "gateway/settings.hpp"

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const auto read = gateway::settings_from_toml(as_text({data, size}), "gateway.toml");
  if (!read) return 0;
  const auto back = gateway::settings_from_toml(gateway::settings_text(*read), "gateway.toml");
  DSTACK_ASSERT(back && *back == *read);
  DSTACK_ASSERT(!read->names.empty() && !read->proxy.listen.empty());
  for (const gateway::DomainSettings& domain : read->domains)
    DSTACK_ASSERT(*gateway::normal_domain(domain.name) == domain.name);
  return 0;
}
