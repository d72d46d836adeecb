/// The DSDT put together (spec host 5.5.5), and its small parts.
#include "measure/acpi_parts.hpp"

namespace dstack::measure::acpi {

namespace {

/// 1: text for a port that QEMU can log.
aml::Code debug_port()
{
  using namespace aml;
  const Code text = local(0);
  const Code size = local(1);
  const Code at = local(2);
  return scope(
      "\\",
      concat({region("DBG", Space::system_io, 0x402, 1),
              field("DBG", Access::byte_preserve, {{"DBGB", 8}}),
              method("DBUG", 1, Calls::concurrent,
                     concat({to_hex_string(argument(0), text), to_buffer(text, text),
                             subtract(size_of(text), integer(1), size), store(integer(0), at),
                             repeat_while(less(at, size),
                                          concat({store(value_at(element(text, at)), path("DBGB")),
                                                  increment(at)})),
                             store(integer('\n'), path("DBGB"))}))}));
}

/// The window through which PCIe configuration space is reached.
aml::Code pcie_config_window()
{
  using namespace aml;
  constexpr std::uint32_t size = 0x10000000;
  const Code window = memory_window(Caching::none, pcie_config_base, pcie_config_base + size - 1);
  return device("DRAC", concat({name("_HID", text("PNP0C01")), name("_CRS", resources(window))}));
}

/// 11: how the machine sleeps.
aml::Code sleep_states()
{
  using namespace aml;
  const auto state = [](std::string_view called, std::uint8_t type) {
    return name(called, package({integer(type), integer(type), integer(0), integer(0)}));
  };
  return scope("\\", concat({state("_S3", 1), state("_S4", 2), state("_S5", 0)}));
}

/// 12: the port through which the firmware reads these tables.
aml::Code fw_cfg()
{
  using namespace aml;
  return scope("\\_SB.PCI0",
               device("FWCF", concat({name("_HID", text("QEMU0002")), name("_STA", integer(0xb)),
                                      name("_CRS", resources(io_ports(0x510, 1, 12)))})));
}

} // namespace

Bytes dsdt_body(const AcpiShape& shape)
{
  using namespace aml;
  return concat({
      debug_port(),
      scope("_SB", concat({host_bridge(shape), pcie_config_window()})),
      shape.hotplug ? hotplug_registers(shape) : Code{},
      interrupt_routing(shape),
      scope("_GPE", name("_HID", text("ACPI0006"))),
      cpus(shape),
      expanders(shape),
      bus_windows(shape),
      sleep_states(),
      fw_cfg(),
      bus_devices(shape),
      shape.hotplug ? hotplug_events(shape) : Code{},
  });
}

} // namespace dstack::measure::acpi
