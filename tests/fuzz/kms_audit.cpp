// links: kms
#include "kms/audit.hpp"

#include <cstddef>
#include <cstdint>

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const std::string_view text = as_text(ByteView{data, size});
  const auto summary = kms::verify_audit(text);
  if (!summary) return 0;
  if (summary->whole + summary->torn != size) __builtin_trap();
  // The whole lines alone say the same.
  const auto whole = kms::verify_audit(text.substr(0, summary->whole));
  if (!whole || !(whole->head == summary->head) || whole->torn != 0) __builtin_trap();
  // And a record after them continues the chain, whatever it holds.
  kms::AuditRecord record;
  record.event = text.substr(0, 100);
  record.reason = text;
  std::string longer{text.substr(0, summary->whole)};
  if (summary->unended) longer += '\n';
  longer += kms::audit_line(summary->head, record, Time{0}).text + "\n";
  const auto after = kms::verify_audit(longer);
  if (!after || after->head.lines != summary->head.lines + 1) __builtin_trap();
  return 0;
}
