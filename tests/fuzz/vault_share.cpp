// links: vault
// Custodians' share files: no crash; what is taken fits its commitments and is written back the
// same, and nothing asks for a key derivation that nobody gave a passphrase for.
#include "vault/share_file.hpp"

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const ByteView bytes{data, size};
  const auto view = vault::view_share(bytes);
  const auto share = vault::read_share(bytes);
  DSTACK_ASSERT(!share || view);
  if (view) DSTACK_ASSERT(!view->custodian().empty());
  if (!share) return 0;
  DSTACK_ASSERT(vault::check_share(*share));
  const SecretBytes again = vault::write_share(*share);
  const auto back = vault::read_share(again.view());
  DSTACK_ASSERT(back && back->circle == share->circle && back->cluster == share->cluster);
  DSTACK_ASSERT((back->share.value - share->share.value).is_zero());
  return 0;
}
