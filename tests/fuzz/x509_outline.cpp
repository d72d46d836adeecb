// links: x509
// Our own outline of a certificate against OpenSSL's reading: where both take it, they agree.
#include "x509/read.hpp"

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const ByteView raw{data, size};
  const auto outline = x509::outline_certificate(raw);
  const auto read =
      outline ? x509::read_certificate(raw) : Result<x509::ReadCertificate>{outline.error()};
  if (!read) return 0;
  DSTACK_ASSERT(outline->subject == read->subject);
  DSTACK_ASSERT(outline->subject_der == read->subject_der);
  DSTACK_ASSERT(outline->not_before == read->not_before);
  DSTACK_ASSERT(outline->not_after == read->not_after);
  DSTACK_ASSERT(outline->extensions.size() == read->extensions.size());
  for (std::size_t i = 0; i < read->extensions.size(); ++i) {
    DSTACK_ASSERT(outline->extensions[i].oid == read->extensions[i].oid);
    DSTACK_ASSERT(outline->extensions[i].value == read->extensions[i].value);
  }
  return 0;
}
