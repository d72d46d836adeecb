#include "probe/probe.hpp"

#include "base/text.hpp"

namespace dstack::probe {

namespace {

constexpr std::size_t max_text = std::size_t{64} << 10U;

} // namespace

std::string text_at(const Places& places, std::string_view path)
{
  const auto text = sys::read_text(places.root / path, max_text);
  return text ? std::string{trim(*text)} : "";
}

codec::Json gather(const Places& places)
{
  codec::Json facts;
  facts.set("schema", host::facts_schema);
  add_kernel(places, facts);
  add_processor(places, facts);
  add_devices(places, facts);
  add_memory(places, facts);
  add_pci(places, facts);
  add_programs(facts);
  return facts;
}

} // namespace dstack::probe
