/// What is on the first PCI bus, and the events of its hotplug (spec host 5.5.5, 13-14, 5.5.6).
#include "measure/acpi_parts.hpp"

namespace dstack::measure::acpi {

namespace {

using namespace aml;

std::string slot_name(std::uint32_t slot, std::uint32_t function = 0)
{
  return fmt::format("S{:02X}", slot << 3U | function);
}

Code pci_device(std::uint32_t slot, std::uint32_t function, ByteView body)
{
  return device(slot_name(slot, function),
                concat({name("_ADR", integer(slot << 16U | function)), body}));
}

/// Which interrupts the chipset's links use: registers of the ISA bridge.
Code link_registers()
{
  const Code links = field("PCI0.SF8.PIRQ", Access::byte_preserve,
                           {{"PRQA", 8},
                            {"PRQB", 8},
                            {"PRQC", 8},
                            {"PRQD", 8},
                            {"", 32},
                            {"PRQE", 8},
                            {"PRQF", 8},
                            {"PRQG", 8},
                            {"PRQH", 8}});
  return concat({region("PIRQ", Space::pci_config, 0x60, 12), scope("\\_SB", links)});
}

Code isa_device(std::string_view called, std::string_view id, ByteView between, ByteView resource)
{
  return device(called,
                concat({name("_HID", eisa_id(id)), between, name("_CRS", resources(resource))}));
}

Code isa_bridge(const AcpiShape& shape)
{
  constexpr std::uint8_t shared_level_low = 0x18;
  const Code present = name("_STA", integer(0xf));
  const Code serial_line =
      shape.qemu < qemu_11_1 ? interrupt_line(4) : interrupt_line(4, shared_level_low);
  return concat(
      {link_registers(),
       isa_device("KBD", "PNP0303", present,
                  concat({io_ports(0x60, 1, 1), io_ports(0x64, 1, 1), interrupt_line(1)})),
       isa_device("MOU", "PNP0F13", present, interrupt_line(12)),
       isa_device("COM1", "PNP0501", concat({name("_UID", integer(1)), present}),
                  concat({io_ports(0x3f8, 0, 8), serial_line})),
       isa_device("RTC", "PNP0B00", {}, concat({io_ports(0x70, 1, 8), interrupt_line(8)}))});
}

/// The one slot behind a root port, as ACPI hotplug sees it.
Code hotplug_slot()
{
  const Code pair = local(0);
  const Code describe =
      concat({store(package({integer(0), integer(0)}), pair),
              store(path("BSEL"), element(pair, integer(0))),
              store(path("ASUN"), element(pair, integer(1))),
              give_back(call("PDSM", {argument(0), argument(1), argument(2), argument(3), pair}))});
  return scope(
      "S00",
      concat({name("ASUN", integer(0)), method("_DSM", 4, Calls::serialized, describe),
              name("_SUN", integer(0)),
              method("_EJ0", 1, Calls::concurrent, call("PCEJ", {path("BSEL"), path("_SUN")}))}));
}

/// QEMU numbers buses with hotplug from the last root port to the first.
std::size_t bus_selector(const std::vector<std::uint8_t>& ports, std::size_t index)
{
  return ports.size() - 1 - index;
}

Code root_port(const AcpiShape& shape, std::uint8_t slot, std::size_t selector)
{
  const Code behind = pci_device(0, 0, {});
  if (!shape.hotplug) return pci_device(slot, 0, behind);
  const Code events = method("DVNT", 2, Calls::concurrent,
                             when(bits_and(argument(0), integer(1)), notify("S00", argument(1))));
  return pci_device(slot, 0,
                    concat({behind, name("BSEL", integer(selector)), hotplug_slot(), events}));
}

/// Methods that look for events on every bus with hotplug.
Code event_methods(const std::vector<std::uint8_t>& ports)
{
  ByteWriter scopes;
  ByteWriter calls;
  for (std::size_t i = ports.size(); i-- > 0;) {
    const std::string port = slot_name(ports[i]);
    const Code look = concat({store(integer(bus_selector(ports, i)), path("BNUM")),
                              call("DVNT", {path("PCIU"), integer(device_check)}),
                              call("DVNT", {path("PCID"), integer(eject_request)})});
    scopes.put(scope(port, method("PCNT", 0, Calls::concurrent, look)));
    calls.put(call(fmt::format("^{}.PCNT", port)));
  }
  return scope("\\_SB.PCI0",
               concat({scopes.bytes(), method("PCNT", 0, Calls::concurrent, calls.bytes())}));
}

} // namespace

aml::Code bus_devices(const AcpiShape& shape)
{
  const auto ports = root_port_slots(shape);
  std::vector<Code> by_slot(last_free_slot + 1);
  for (std::uint32_t slot = 0; slot <= shape.slots; ++slot) // the host bridge is in slot 0
    by_slot[slot] = pci_device(slot, 0, {});
  for (std::size_t i = 0; i < shape.nodes.size(); ++i)
    if (shape.nodes[i].expander_bus)
      by_slot[first_expander_slot + i] =
          pci_device(static_cast<std::uint32_t>(first_expander_slot + i), 0, {});
  for (std::size_t i = 0; i < ports.size(); ++i)
    by_slot[ports[i]] = root_port(shape, ports[i], bus_selector(ports, i));
  ByteWriter out;
  for (const Code& code : by_slot)
    out.put(code);
  out.put(pci_device(31, 0, isa_bridge(shape)));
  out.put(pci_device(31, 2, {})).put(pci_device(31, 3, {}));
  return scope("\\_SB", scope("PCI0", out.bytes()));
}

aml::Code hotplug_events(const AcpiShape& shape)
{
  const auto ports = root_port_slots(shape);
  if (ports.empty()) return scope("_GPE", method("_E01", 0, Calls::concurrent, {}));
  const Code look =
      concat({acquire("\\_SB.PCI0.BLCK"), call("\\_SB.PCI0.PCNT"), release("\\_SB.PCI0.BLCK")});
  return concat({event_methods(ports), scope("_GPE", method("_E01", 0, Calls::concurrent, look))});
}

} // namespace dstack::measure::acpi
