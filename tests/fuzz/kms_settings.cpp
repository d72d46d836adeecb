// links: kms
// kms.toml: no crash; what is taken is written so that it is read the same again.
#include "kms/settings.hpp"

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const auto read = kms::settings_from_toml(as_text({data, size}), "kms.toml");
  if (!read) return 0;
  const auto back = kms::settings_from_toml(kms::settings_text(*read), "kms.toml");
  DSTACK_ASSERT(back && *back == *read);
  DSTACK_ASSERT(!read->domains.empty());
  return 0;
}
