// links: x509 dcap
#include "dcap/pck.hpp"

#include <cstddef>
#include <cstdint>

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const ByteView raw{data, size};
  const auto certificate = x509::parse_p256_certificate(raw);
  if (certificate) {
    static_cast<void>(x509::common_name(certificate->subject));
    static_cast<void>(dcap::parse_pck_extension(*certificate));
    if (certificate->public_xy.size() != 64) __builtin_trap();
  }
  static_cast<void>(x509::certificates_of_pem(as_text(raw), 8));
  return 0;
}
