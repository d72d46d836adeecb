// links: measure
// Any text as a vm_config: refused, or a machine that is refused or has tables of bounded size, and
// whose document and options say it again.
#include "measure/expected.hpp"
#include "measure/inputs.hpp"

#include <cstdlib>

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const auto json = codec::parse_json(as_text(ByteView{data, size}));
  if (!json) return 0;
  static_cast<void>(measure::parse_snp_shape(*json));
  const auto config = measure::parse_vm_config(*json);
  if (!config) return 0;
  const auto read = measure::parse_vm_config(to_json(*config, codec::Json::object()));
  if (!read || !(*read == *config)) std::abort();
  const auto shape = measure::shape_of(*config);
  if (!shape) return 0;
  constexpr std::uint32_t quick = 64;
  if (shape->machine.cpus > quick) return 0;
  const auto blobs = measure::acpi_blobs(shape->machine);
  if (!blobs) return 0; // more devices than there are slots
  if (blobs->tables.size() > std::size_t{1} << 20U) std::abort();
  const auto words = measure::option_words(*shape);
  measure::VmConfig again;
  for (std::size_t i = 0; i < words.size(); i += 2)
    if (!measure::set_input(again, std::string_view{words[i]}.substr(2), words[i + 1])) std::abort();
  return 0;
}
