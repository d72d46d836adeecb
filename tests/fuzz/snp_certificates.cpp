// links: snp
#include "snp/vcek_info.hpp"
#include "snp/verify.hpp"
#include "x509/pss_certificate.hpp"

#include <cstddef>
#include <cstdint>

using namespace dstack;

namespace {

/// As far as the certificates matter, a report like any other.
Bytes some_report()
{
  Bytes out(snp::report_size);
  out[0x00] = 3; // version
  out[0x34] = 1; // signature algorithm
  return out;
}

} // namespace

/// Certificates and lists as a guest or a service may give them.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const ByteView raw{data, size};
  static_cast<void>(x509::PssRevocationList::parse(raw));
  for (const auto product : {snp::Product::milan, snp::Product::turin})
    static_cast<void>(snp::vcek_info(raw, product));
  if (const auto one = x509::PssCertificate::parse(raw)) {
    static_cast<void>(one->check_issued_by(*one));
    static_cast<void>(one->has_p384_key());
    static_cast<void>(one->verifies_p384(raw, raw.first(0), raw.first(0)));
  }
  const Bytes bytes = to_bytes(raw);
  if (snp::sort_certificates({bytes, bytes})) __builtin_trap(); // the same one twice
  static const std::vector<snp::Anchor> anchors = snp::amd_anchors();
  static const Bytes report = some_report();
  if (!snp::verify(report, {bytes, bytes, {}, bytes}, anchors, 0).error) __builtin_trap();
  return 0;
}
