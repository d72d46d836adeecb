// links: dcap
#include "dcap/collateral.hpp"
#include "x509/crl.hpp"

#include <cstddef>
#include <cstdint>

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const ByteView raw{data, size};
  static_cast<void>(dcap::crl_to_der(raw));
  const auto crl = x509::parse_crl(raw);
  if (crl && crl->lists(raw.first(0))) __builtin_trap(); // no serial number is empty
  return 0;
}
