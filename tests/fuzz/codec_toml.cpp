// links: codec
// What parses names lines that exist.
#include "codec/toml.hpp"

#include "base/bytes.hpp"

#include <algorithm>

using namespace dstack;

namespace {

void check(const codec::Toml& node, std::size_t lines)
{
  DSTACK_ASSERT(node.line <= lines);
  DSTACK_ASSERT(!node.kind().empty());
  if (const auto* array = node.array())
    for (const auto& item : *array)
      check(item, lines);
  if (const auto* table = node.table())
    for (const auto& [key, value] : *table)
      check(value, lines);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const std::string_view text = as_text({data, size});
  const auto tree = codec::parse_toml(text);
  if (tree) check(*tree, static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 2);
  return 0;
}
