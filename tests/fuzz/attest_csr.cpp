// links: attest
// A certificate signing request: no crash, and what is read is written the same.
#include "attest/csr.hpp"

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const ByteView raw{data, size};
  const auto read = attest::parse_csr(raw);
  if (read) DSTACK_ASSERT(equal(attest::encode(*read), raw));
  static_cast<void>(attest::check_csr_signature(raw, raw));
  return 0;
}
