// links: compose
// A file that is accepted is still accepted after pinning, with every image pinned and nothing left
// to pin.
#include "compose/project.hpp"

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const std::string_view text = as_text({data, size});
  static_cast<void>(compose::parse_dotenv(text, ".env"));
  const compose::ReadOptions options{"f", {{"A", "1"}, {"E", ""}}};
  const auto project = compose::read_project(text, options);
  if (!project) return 0;
  std::map<std::string, std::string> digests;
  for (const auto& use : compose::image_uses(*project))
    digests[use.reference] = "sha256:" + std::string(64, '0');
  const auto pinned = compose::pin_images(text, *project, digests);
  if (!pinned) return 0;
  const auto again = compose::read_project(*pinned, options);
  DSTACK_ASSERT(again || pinned->size() > (std::size_t{1} << 20U));
  for (const auto& use : compose::image_uses(*again))
    DSTACK_ASSERT(use.has_digest);
  DSTACK_ASSERT(*compose::pin_images(*pinned, *again, digests) == *pinned);
  return 0;
}
