// links: measure
// A measurement document that is read is written again as the same bytes, and its launch digest
// costs no more than its limit.
#include "measure/documents.hpp"

using namespace dstack;

namespace {

template <class T> void check_same(const Result<T>& read, ByteView data)
{
  if (read) DSTACK_ASSERT(equal(measure::write_document(*read), data));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const ByteView document{data, size};
  check_same(measure::parse_tdx_document(document), document);
  check_same(measure::parse_gcp_document(document), document);
  check_same(measure::parse_aws_document(document), document);
  const auto snp = measure::parse_snp_document(document);
  check_same(snp, document);
  if (!snp) return 0;
  std::uint64_t pages = 0;
  for (const auto& section : snp->firmware.sections)
    pages += section.size / 4096 < measure::max_snp_pages ? section.size / 4096 : 0;
  constexpr std::uint64_t quick = 1024;
  if (pages <= quick) static_cast<void>(measure::snp_launch_digest(*snp, {2, "EPYC-v4", 1}));
  return 0;
}
