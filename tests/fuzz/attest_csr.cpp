// links: attest
// A certificate signing request of either version: no crash, what is read is written the same, and
// what version 1 is lifted to can be read.
#include "attest/attestation.hpp"
#include "attest/csr.hpp"

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const ByteView raw{data, size};
  const auto read = attest::parse_csr(raw);
  if (read) DSTACK_ASSERT(equal(attest::encode(*read), raw));
  static_cast<void>(attest::check_csr_signature(raw, raw));
  const auto old = attest::parse_csr_v1(raw);
  if (old) DSTACK_ASSERT(attest::parse_attestation(old->attestation));
  return 0;
}
