// links: measure
// Any bytes as firmware: refused, or measured without reading outside them.
#include "measure/boot_events.hpp"
#include "measure/kernel_source.hpp"
#include "measure/td_hob.hpp"

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const ByteView firmware{data, size};
  if (const auto volume = measure::compressed_volume(firmware))
    static_cast<void>(measure::kernel_source_of(*volume));
  const auto sections = measure::tdvf_sections(firmware);
  if (!sections) return 0;
  static_cast<void>(measure::cfv_digest(firmware, *sections));
  if (const auto layout = measure::td_hob_layout(*sections))
    static_cast<void>(measure::td_hob(*layout, std::uint64_t{1} << 32U));
  std::uint64_t pages = 0;
  for (const auto& section : *sections)
    pages += section.memory_size / 4096;
  constexpr std::uint64_t quick = 64;
  if (pages <= quick) static_cast<void>(measure::mrtd(firmware, measure::PageOrder::two_pass));
  return 0;
}
