// links: compose
// An accepted app-compose is accepted again in its normal form, which is a fixed point.
#include "compose/app_compose.hpp"

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const std::string_view text = as_text({data, size});
  const auto app = compose::parse_app_compose(text);
  if (!app) return 0;
  const auto normal = compose::normalise_app_compose(text, compose::Prune::nothing);
  DSTACK_ASSERT(normal);
  const auto again = compose::parse_app_compose(*normal);
  DSTACK_ASSERT(again && again->name == app->name);
  DSTACK_ASSERT(*compose::normalise_app_compose(*normal, compose::Prune::nothing) == *normal);
  DSTACK_ASSERT(compose::check_supported(*app).size() == compose::check_supported(*again).size());
  static_cast<void>(compose::gpu_policy_hash(*app));
  return 0;
}
