// links: vault
// The documents of a KMS' root and what is sealed in one: no crash; what is taken is written back
// the same, and no key opens what it did not seal.
#include "vault/documents.hpp"

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const ByteView bytes{data, size};
  if (const auto root = vault::read_public(bytes)) {
    const auto back = vault::read_public(vault::write_public(*root));
    DSTACK_ASSERT(back && *back == *root);
  }
  if (const auto sealed = vault::read_sealed(bytes)) {
    const Bytes text = vault::write_sealed(*sealed);
    DSTACK_ASSERT(vault::write_sealed(*vault::read_sealed(text)) == text);
    DSTACK_ASSERT(!vault::unseal_root(*sealed, Secret<32>{}));
  }
  if (const auto material = vault::decode_root(bytes))
    DSTACK_ASSERT(equal(vault::encode(*material).view(), bytes));
  return 0;
}
