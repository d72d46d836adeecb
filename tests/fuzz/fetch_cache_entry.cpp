// links: fetch crypto
// A cache file as it is, and with its hash made right: what is read is written as the same bytes.
#include "crypto/hash.hpp"
#include "fetch/cache_entry.hpp"

using namespace dstack;

namespace {

void check(ByteView file)
{
  const auto entry = fetch::parse_cache_entry(file);
  if (entry) DSTACK_ASSERT(equal(fetch::write_cache_entry(*entry), file));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const ByteView input{data, size};
  check(input);
  const auto digest = crypto::sha256(input);
  check(concat({input, digest}));
  if (size < digest.size()) return 0;
  const ByteView content = input.first(size - digest.size());
  check(concat({content, crypto::sha256(content)}));
  return 0;
}
