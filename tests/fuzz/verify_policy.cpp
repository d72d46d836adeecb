// links: verify
#include "verify/policy.hpp"

#include <cstddef>
#include <cstdint>

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const auto policy = verify::policy_from_toml(as_text(ByteView{data, size}), "fuzz");
  if (!policy) return 0;
  const std::string text = verify::to_toml(*policy);
  const auto again = verify::policy_from_toml(text, "fuzz");
  if (!again || verify::to_toml(*again) != text) __builtin_trap();
  return 0;
}
