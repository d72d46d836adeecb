/// PCI host bridges, their windows and the registers of ACPI PCI hotplug (spec host 5.5.5, 2, 3, 9
/// and 10).
#include "measure/acpi_parts.hpp"

namespace dstack::measure::acpi {

namespace {

using namespace aml;

constexpr std::uint16_t hotplug_base = 0xcc0;
constexpr std::uint32_t not_supported = 0xffffffff;

/// A _DSM's answer so far: no function; left with it when asked under another UUID or revision.
Code dsm_prologue(const Code& answer)
{
  const Code ours = uuid("E5C937D0-3553-4D7A-9117-EA4D19C3434D"); // PCI Firmware 3.3, 4.6
  return concat({store(buffer(Code{0}), answer),
                 when(negate(equals(argument(0), ours)), give_back(answer)),
                 when(less(argument(1), integer(2)), give_back(answer))});
}

/// A package of function 7's answer: a number and an empty name.
Code unnamed()
{
  return package({integer(0), text("")});
}

/// Names devices by the index in Arg4.
Code edsm_method()
{
  const Code answer = local(0);
  const Code index = local(1);
  constexpr std::uint8_t functions_0_and_7 = 0x81;
  const Code supported =
      concat({dsm_prologue(answer), store(integer(functions_0_and_7), element(answer, integer(0))),
              give_back(answer)});
  const Code named =
      concat({store(unnamed(), answer), store(value_at(element(argument(4), integer(0))), index),
              store(index, element(answer, integer(0))), give_back(answer)});
  return method("EDSM", 5, Calls::serialized,
                concat({when(equals(argument(2), integer(0)), supported),
                        when(equals(argument(2), integer(7)), named)}));
}

/// Reads a device's index from the hotplug registers; Arg4 is {bus selector, slot}.
Code asked_index(const Code& target)
{
  return store(call("AIDX", {value_at(element(argument(4), integer(0))),
                             value_at(element(argument(4), integer(1)))}),
               target);
}

/// PDSM's function 7, which changed in QEMU 9.2: no index, no name.
Code pdsm_name(const AcpiShape& shape, const Code& answer, const Code& index)
{
  if (shape.qemu < qemu_9_2)
    return concat({store(unnamed(), answer), asked_index(index),
                   store(index, element(answer, integer(0))), give_back(answer)});
  const Code none = either(equals(index, integer(0)), equals(index, integer(not_supported)));
  return concat({asked_index(index), store(empty_package(2), answer),
                 when(negate(none), concat({store(index, element(answer, integer(0))),
                                            store(text(""), element(answer, integer(1)))})),
                 give_back(answer)});
}

Code pdsm_method(const AcpiShape& shape)
{
  const Code answer = local(0);
  const Code functions = local(1);
  const Code index = local(2);
  const Code none = bits_or(equals(index, integer(0)), equals(index, integer(not_supported)));
  const Code supported =
      concat({dsm_prologue(answer), store(integer(0), functions), asked_index(index),
              when(negate(none),
                   concat({bits_or(functions, integer(1), functions),
                           bits_or(functions, shift_left(integer(1), integer(7)), functions)})),
              store(functions, element(answer, integer(0))), give_back(answer)});
  return method("PDSM", 5, Calls::serialized,
                concat({when(equals(argument(2), integer(0)), supported),
                        when(equals(argument(2), integer(7)), pdsm_name(shape, answer, index))}));
}

/// Selects a bus and sets the bit of a slot in a register, under the lock.
Code select_slot(std::string_view reg)
{
  return concat({acquire("BLCK"), store(argument(0), path("BNUM")),
                 store(shift_left(integer(1), argument(1)), path(reg))});
}

constexpr std::uint32_t expander_slots = 32;

/// Pins of an expander's slots go to the links A to D in turn.
Code expander_routes()
{
  constexpr std::string_view links = "ABCD";
  std::vector<Code> routes;
  for (std::uint32_t slot = 0; slot < expander_slots; ++slot)
    for (std::uint32_t pin = 0; pin < pins_per_slot; ++pin)
      routes.push_back(
          package({integer(slot << 16U | 0xffffU), integer(pin),
                   path(fmt::format("LNK{}", links[(slot + pin + 3) % 4])), integer(0)}));
  return give_back(package(routes));
}

/// The same as a loop, as it was before QEMU 9.2.
Code expander_routes_computed()
{
  constexpr std::string_view links = "DABC";
  const Code routes = local(0);
  const Code at = local(1);
  const Code slot = local(2);
  const Code link = local(3);
  const Code route = local(4);
  const std::uint8_t count = expander_slots * pins_per_slot;
  Code choice;
  for (std::size_t i = 0; i < links.size(); ++i) {
    const Code chosen =
        package({integer(0), integer(0), path(fmt::format("LNK{}", links[i])), integer(0)});
    choice = concat({choice, when(equals(link, integer(i)), store(chosen, route))});
  }
  const Code address = bits_or(shift_left(slot, integer(16)), integer(0xffff));
  return concat({store(empty_package(count), routes), store(integer(0), at),
                 repeat_while(less(at, integer(count)),
                              concat({store(shift_right(at, integer(2)), slot),
                                      store(bits_and(add(at, slot), integer(3)), link), choice,
                                      store(address, element(route, integer(0))),
                                      store(bits_and(at, integer(3)), element(route, integer(1))),
                                      store(route, element(routes, at)), increment(at)})),
                 give_back(routes)});
}

Code expander(const AcpiShape& shape, std::uint8_t bus, std::size_t node)
{
  const Code routes = shape.qemu < qemu_9_2 ? expander_routes_computed() : expander_routes();
  return scope("\\_SB",
               device(fmt::format("PC{:02X}", bus),
                      concat({name("_UID", integer(bus)), name("_BBN", integer(bus)),
                              name("_HID", eisa_id("PNP0A08")), name("_CID", eisa_id("PNP0A03")),
                              osc_method(true), name("_PXM", integer(node)),
                              method("_PRT", 0, Calls::concurrent, routes),
                              name("_CRS", resources(bus_numbers(bus, bus)))})));
}

/// What hotplug and power events occupy, so that nothing else is placed there.
Code reserved(std::string_view called, std::string_view uid, std::uint16_t port, std::uint8_t size)
{
  return device(called, concat({name("_HID", text("PNP0A06")), name("_UID", text(uid)),
                                name("_STA", integer(0xb)),
                                name("_CRS", resources(io_ports(port, 1, size)))}));
}

} // namespace

/// _OSC: which of PCIe's features the system may take over; hotplug is bit 0.
aml::Code osc_method(bool native_hotplug)
{
  const Code control = local(0);
  const Code first = path("CDW1");
  const Code pcie = uuid("33DB4D5B-1FF7-401C-9657-7441C03DD766");
  const Code negotiate =
      concat({dword_field(argument(3), 4, "CDW2"), dword_field(argument(3), 8, "CDW3"),
              store(path("CDW3"), control),
              bits_and(control, integer(native_hotplug ? 0x1f : 0x1e), control),
              when(negate(equals(argument(1), integer(1))), bits_or(first, integer(0x08), first)),
              when(negate(equals(path("CDW3"), control)), bits_or(first, integer(0x10), first)),
              store(control, path("CDW3"))});
  return method(
      "_OSC", 4, Calls::concurrent,
      concat({dword_field(argument(3), 0, "CDW1"), when(equals(argument(0), pcie), negotiate),
              otherwise(bits_or(first, integer(0x04), first)), give_back(argument(3))}));
}

aml::Code host_bridge(const AcpiShape& shape)
{
  return device("PCI0",
                concat({name("_HID", eisa_id("PNP0A08")), name("_CID", eisa_id("PNP0A03")),
                        name("_UID", integer(0)), osc_method(!shape.hotplug), edsm_method()}));
}

aml::Code hotplug_registers(const AcpiShape& shape)
{
  const auto registers = [](std::string_view region_name, std::uint32_t at, std::uint32_t size,
                            const std::vector<FieldUnit>& units) {
    return concat({region(region_name, Space::system_io, hotplug_base + at, size),
                   field(region_name, Access::dword_zeros, units)});
  };
  const Code eject = method("PCEJ", 2, Calls::concurrent,
                            concat({select_slot("B0EJ"), release("BLCK"), give_back(integer(0))}));
  const Code index = method("AIDX", 2, Calls::concurrent,
                            concat({select_slot("PIDX"), store(path("PIDX"), local(0)),
                                    release("BLCK"), give_back(local(0))}));
  return scope("_SB.PCI0", concat({registers("PCST", 0, 8, {{"PCIU", 32}, {"PCID", 32}}),
                                   registers("SEJ", 8, 4, {{"B0EJ", 32}}),
                                   registers("BNMR", 16, 8, {{"BNUM", 32}, {"PIDX", 32}}),
                                   mutex("BLCK"), eject, index, pdsm_method(shape)}));
}

aml::Code expanders(const AcpiShape& shape)
{
  ByteWriter out;
  for (std::size_t node = shape.nodes.size(); node-- > 0;)
    if (shape.nodes[node].expander_bus)
      out.put(expander(shape, *shape.nodes[node].expander_bus, node));
  return out.take();
}

aml::Code bus_windows(const AcpiShape& shape)
{
  constexpr std::uint16_t config_ports = 0xcf8;
  constexpr std::uint8_t config_size = 8;
  /// Seven eighths of a 46-bit address space, where the firmware begins to place large BARs.
  constexpr std::uint64_t large_bars = 0x380000000000;
  constexpr std::uint16_t gpe = 0x620;
  constexpr std::uint8_t gpe_size = 16;
  constexpr std::uint8_t hotplug_size = 0x18;
  std::uint8_t last_bus = 0xff;
  for (const NumaNode& node : shape.nodes)
    if (node.expander_bus && *node.expander_bus <= last_bus)
      last_bus = static_cast<std::uint8_t>(*node.expander_bus - 1);
  const auto low = static_cast<std::uint32_t>(memory_layout(shape).low);
  const Code windows =
      concat({bus_numbers(0, last_bus), io_ports(config_ports, 1, config_size),
              io_window(0, config_ports - 1), io_window(config_ports + config_size, 0xffff),
              memory_window(Caching::write_back, 0xa0000, 0xbffff),
              memory_window(Caching::none, low, pcie_config_base - 1),
              memory_window(Caching::none, 0xf0000000, 0xfebfffff),
              memory_window_64(Caching::write_back, large_bars, hole64_size(shape))});
  return scope(
      "\\_SB.PCI0",
      concat({name("_CRS", resources(windows)), reserved("GPE0", "GPE0 resources", gpe, gpe_size),
              shape.hotplug ? reserved("PHPR", "PCI Hotplug resources", hotplug_base, hotplug_size)
                            : Code{}}));
}

} // namespace dstack::measure::acpi
