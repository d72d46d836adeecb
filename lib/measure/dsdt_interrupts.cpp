/// PCI interrupts: the chipset's eight links and who is connected to which (spec host 5.5.5, 4-5).
#include "measure/acpi_parts.hpp"

namespace dstack::measure::acpi {

namespace {

using namespace aml;

constexpr std::uint8_t links = 8;
constexpr std::uint8_t slots = 32;

char letter(unsigned number)
{
  return static_cast<char>('A' + number);
}

/// Number of the link that a slot's first pin uses; the next pins use the next in its half.
unsigned first_link(unsigned slot)
{
  constexpr unsigned second_half = 4; // E to H
  if (slot < 0x18) return second_half + slot % 4;
  const bool on_second_half = slot == 0x18 || slot == 0x1e;
  return on_second_half ? second_half : 0;
}

/// All pins of all slots with the link of the kind, "LNK" or "GSI".
Code routing_table(std::string_view kind)
{
  std::vector<Code> routes;
  for (std::uint32_t slot = 0; slot < slots; ++slot)
    for (unsigned pin = 0; pin < pins_per_slot; ++pin) {
      const unsigned first = first_link(slot);
      const unsigned link = first / 4 * 4 + (first + pin) % 4;
      routes.push_back(package({integer(slot << 16U | 0xffffU), integer(pin),
                                path(fmt::format("{}{}", kind, letter(link))), integer(0)}));
    }
  return package(routes);
}

Code routing_method()
{
  return method("_PRT", 0, Calls::concurrent,
                concat({when(equals(path("PICF"), integer(0)), give_back(path("PRTP"))),
                        otherwise(give_back(path("PRTA")))}));
}

std::uint8_t interrupt_flags(const AcpiShape& shape)
{
  constexpr std::uint8_t shared_edge = 0x0b;
  constexpr std::uint8_t shared_level = 0x09;
  return edge_triggered(shape) ? shared_edge : shared_level;
}

/// A link that can be connected to interrupts 5, 10 and 11 by the chipset's register.
Code link_device(const AcpiShape& shape, std::uint8_t number)
{
  const Code control = path(fmt::format("PRQ{}", letter(number)));
  const Code possible = resources(interrupts(interrupt_flags(shape), {5, 10, 11}));
  const Code set = concat({dword_field(argument(0), 5, "PRRI"), store(path("PRRI"), control)});
  constexpr std::uint8_t disabled = 0x80;
  return device(
      fmt::format("LNK{}", letter(number)),
      concat({name("_HID", eisa_id("PNP0C0F")), name("_UID", integer(number)),
              name("_PRS", possible),
              method("_STA", 0, Calls::concurrent, give_back(call("IQST", {control}))),
              method("_DIS", 0, Calls::concurrent, bits_or(control, integer(disabled), control)),
              method("_CRS", 0, Calls::concurrent, give_back(call("IQCR", {control}))),
              method("_SRS", 1, Calls::concurrent, set)}));
}

/// A link that is connected to the I/O APIC for good.
Code fixed_link_device(const AcpiShape& shape, std::uint8_t number)
{
  const std::uint8_t interrupt = static_cast<std::uint8_t>(16 + number);
  const Code only = resources(interrupts(interrupt_flags(shape), {interrupt}));
  return device(
      fmt::format("GSI{}", letter(number)),
      concat({name("_HID", eisa_id("PNP0C0F")), name("_UID", integer(interrupt)),
              name("_PRS", only), name("_CRS", only), method("_DIS", 0, Calls::concurrent, {}),
              method("_SRS", 1, Calls::concurrent, {})}));
}

Code link_methods(const AcpiShape& shape)
{
  const Code status =
      method("IQST", 1, Calls::concurrent,
             concat({when(bits_and(integer(0x80), argument(0)), give_back(integer(9))),
                     give_back(integer(0xb))}));
  const Code current = method(
      "IQCR", 1, Calls::serialized,
      concat({name("PRR0", resources(interrupts(interrupt_flags(shape), {0}))),
              dword_field(path("PRR0"), 5, "PRRI"),
              store(bits_and(argument(0), integer(0xf)), path("PRRI")), give_back(path("PRR0"))}));
  return concat({status, current});
}

} // namespace

aml::Code interrupt_routing(const AcpiShape& shape)
{
  Code devices;
  for (std::uint8_t i = 0; i < links; ++i)
    devices = concat({devices, link_device(shape, i)});
  for (std::uint8_t i = 0; i < links; ++i)
    devices = concat({devices, fixed_link_device(shape, i)});
  const Code tables = scope("PCI0", concat({name("PRTP", routing_table("LNK")),
                                            name("PRTA", routing_table("GSI")), routing_method()}));
  return concat({name("PICF", integer(0)),
                 method("_PIC", 1, Calls::concurrent, store(argument(0), path("PICF"))),
                 scope("_SB", concat({tables, link_methods(shape), devices}))});
}

} // namespace dstack::measure::acpi
