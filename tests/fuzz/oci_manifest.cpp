// links: oci
// A parsed document has only sha256 digests and bounded sizes; the platform choice is one of its
// own.
#include "oci/challenge.hpp"
#include "oci/manifest.hpp"
#include "oci/reference.hpp"

using namespace dstack;

namespace {

void check(const oci::Descriptor& descriptor)
{
  DSTACK_ASSERT(oci::is_digest(descriptor.digest) && descriptor.size <= oci::max_blob);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  static_cast<void>(oci::parse_challenge(as_text({data, size})));
  const auto document = oci::parse_document({data, size});
  if (!document) return 0;
  if (const auto* manifest = std::get_if<oci::Manifest>(&*document)) {
    check(manifest->config);
    for (const auto& layer : manifest->layers)
      check(layer);
    return 0;
  }
  const auto& index = std::get<oci::Index>(*document);
  for (const auto& one : index.manifests)
    check(one);
  const auto chosen = oci::choose_platform(index);
  DSTACK_ASSERT(!chosen || oci::is_digest(chosen->digest));
  return 0;
}
