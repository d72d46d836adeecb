// links: kmsapi
// What a sealed KMS tells its custodians: no crash, and what is read is written the same.
#include "base/bytes.hpp"
#include "kmsapi/unseal.hpp"

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const auto read = kmsapi::parse_unseal(as_text({data, size}));
  if (!read) return 0;
  const std::string text = codec::write_json(kmsapi::to_json(*read));
  const auto again = kmsapi::parse_unseal(text);
  DSTACK_ASSERT(again && codec::write_json(kmsapi::to_json(*again)) == text);
  return 0;
}
