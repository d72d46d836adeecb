// links: codec
// What parses has its scalars inside the source, and a plain one is spelled there as it reads.
#include "codec/yaml.hpp"

using namespace dstack;

namespace {

void check(const codec::Yaml& node, std::string_view source)
{
  if (node.is_scalar()) {
    DSTACK_ASSERT(node.begin <= node.end && node.end <= source.size());
    const auto spelled = source.substr(node.begin, node.end - node.begin);
    const bool one_line = spelled.find_first_of("\r\n\xc2\xe2") == std::string_view::npos;
    if (node.style == codec::YamlStyle::plain && one_line && !spelled.starts_with('*'))
      DSTACK_ASSERT(spelled == node.text || node.text.empty());
  }
  for (const auto& item : node.items)
    check(item, source);
  for (const auto& member : node.members)
    check(member.value, source);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const std::string_view text = as_text({data, size});
  const auto tree = codec::parse_yaml(text, "f", {.max_nodes = 2000});
  if (!tree) return 0;
  check(*tree, text);
  static_cast<void>(codec::write_json(codec::yaml_to_json(*tree)));
  return 0;
}
