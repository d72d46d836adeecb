// links: snp
#include "snp/verify.hpp"

#include <cstddef>
#include <cstdint>

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const ByteView raw{data, size};
  const auto report = snp::parse_report(raw);
  if (!report) return 0;
  if (size != snp::report_size) __builtin_trap();
  static_cast<void>(snp::attribute_flags(*report));
  static_cast<void>(snp::policy_text(report->policy));
  for (const auto product : {snp::Product::milan, snp::Product::turin})
    static_cast<void>(snp::to_text(snp::tcb_of(report->reported_tcb, product)));
  if (!snp::verify(raw, {}, {}, 0).error) __builtin_trap(); // nothing is trusted without a chain
  return 0;
}
