// links: image osbuild
// Manifests and metadata that read write back to the same; the other texts of an image and its
// recipe only have to be refused or read.
#include "image/metadata.hpp"
#include "image/package_lock.hpp"
#include "image/verity.hpp"
#include "osbuild/modules.hpp"

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const std::string_view text = as_text({data, size});
  if (const auto files = image::parse_manifest(text))
    DSTACK_ASSERT(image::write_manifest(*files) == text);
  if (const auto metadata = image::parse_metadata(text, "dstack-1"))
    DSTACK_ASSERT(*image::parse_metadata(image::write_metadata(*metadata), "") == *metadata);
  if (const auto root = image::root_parameters(text)) DSTACK_ASSERT(root->size_bytes % 4096 == 0);
  static_cast<void>(image::parse_package_lock(text));
  static_cast<void>(image::parse_verity_superblock({data, size}));
  static_cast<void>(osbuild::parse_rules(text));
  static_cast<void>(osbuild::parse_modules_list(text));
  static_cast<void>(osbuild::parse_modules_dep(text));
  return 0;
}
