// links: attest
// The app info of a certificate: no crash, and what is read is written and read the same.
#include "attest/app_info.hpp"

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const auto read = attest::parse_app_info({data, size});
  if (!read) return 0;
  const Bytes written = attest::encode(*read);
  const auto again = attest::parse_app_info(written);
  DSTACK_ASSERT(again && attest::encode(*again) == written);
  return 0;
}
