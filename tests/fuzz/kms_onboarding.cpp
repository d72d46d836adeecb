// links: kms_node
// GetKmsKey's answer from a KMS that is joined: no crash, and no root but the one that was shown.
#include "agents/kms/onboarding.hpp"

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  static const vault::RootMaterial shown = vault::generate_root();
  static const kmsclient::TempCa authorities{
      {{}, shown.root.ca.spki_der()},
      {{}, shown.temp_ca.spki_der()},
      *crypto::P256Key::from_scalar(shown.temp_ca.scalar().view())};
  static const auto k256 = *crypto::k256_public(shown.root.k256);
  const auto root =
      kmsnode::root_from_answer(std::string{as_text({data, size})}, authorities, k256);
  DSTACK_ASSERT(!root || equal(root->root.k256.view(), shown.root.k256.view()));
  return 0;
}
