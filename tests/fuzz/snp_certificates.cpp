// links: snp
#include "snp/vcek_info.hpp"
#include "snp/verify.hpp"
#include "x509/pss_certificate.hpp"

#include <cstddef>
#include <cstdint>

using namespace dstack;

/// A certificate or a list as a guest or a service may give it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const ByteView raw{data, size};
  const auto one = x509::PssCertificate::parse(raw);
  if (!one) {
    static_cast<void>(x509::PssRevocationList::parse(raw));
    return 0;
  }
  static_cast<void>(one->check_issued_by(*one));
  static_cast<void>(one->verifies_p384(raw, raw.first(0), raw.first(0)));
  static_cast<void>(snp::vcek_info(raw, snp::Product::milan));
  static_cast<void>(snp::vcek_info(raw, snp::Product::turin));
  const Bytes bytes = to_bytes(raw);
  if (snp::sort_certificates({bytes, bytes})) __builtin_trap(); // the same one twice
  return 0;
}
