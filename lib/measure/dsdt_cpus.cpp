/// CPU hotplug: its registers, the methods over them and a processor object for each CPU
/// (spec host 5.5.5, 7-8).
#include "measure/acpi_parts.hpp"

namespace dstack::measure::acpi {

namespace {

using namespace aml;

constexpr std::uint16_t registers = 0xcd8;
constexpr std::uint8_t registers_size = 12;
constexpr std::uint32_t first_wide_id = 255; ///< from here CPUs are devices, not processors
constexpr std::uint8_t list_size = 255;      ///< of the lists one scan fills

/// A register by its full name.
Code reg(std::string_view name)
{
  return path(fmt::format("\\_SB.PCI0.PRES.{}", name));
}

Code lock()
{
  return acquire("\\_SB.PCI0.PRES.CPLK");
}

Code unlock()
{
  return release("\\_SB.PCI0.PRES.CPLK");
}

Code register_device(const AcpiShape& shape)
{
  const Code flags = field("PRST", Access::byte_zeros,
                           {{"", 32},
                            {"CPEN", 1},
                            {"CINS", 1},
                            {"CRMV", 1},
                            {"CEJ0", 1},
                            {"CEJF", 1},
                            {"", 3},
                            {"CCMD", 8}});
  const Code words = field("PRST", Access::dword_preserve, {{"CSEL", 32}, {"", 32}, {"CDAT", 32}});
  const Code reset = method("_INI", 0, Calls::serialized, store(integer(0), path("CSEL")));
  return device(
      "\\_SB.PCI0.PRES",
      concat({name("_HID", eisa_id("PNP0A06")), name("_UID", text("CPU Hotplug resources")),
              mutex("CPLK"), name("_CRS", resources(io_ports(registers, 1, registers_size))),
              region("PRST", Space::system_io, registers, registers_size), flags, words,
              shape.qemu < qemu_11_0 ? reset : Code{}}));
}

std::string cpu_name(std::uint32_t cpu)
{
  return fmt::format("C{:03X}", cpu);
}

Code notify_method(const AcpiShape& shape)
{
  ByteWriter body;
  for (std::uint32_t cpu = 0; cpu < shape.cpus; ++cpu)
    body.put(when(equals(argument(0), integer(cpu)), notify(cpu_name(cpu), argument(1))));
  return method("CTFY", 2, Calls::concurrent, body.bytes());
}

Code status_method()
{
  const Code out = local(0);
  return method("CSTA", 1, Calls::serialized,
                concat({lock(), store(argument(0), reg("CSEL")), store(integer(0), out),
                        when(equals(reg("CPEN"), integer(1)), store(integer(0xf), out)), unlock(),
                        give_back(out)}));
}

Code eject_method()
{
  return method(
      "CEJ0", 1, Calls::serialized,
      concat({lock(), store(argument(0), reg("CSEL")), store(integer(1), reg("CEJ0")), unlock()}));
}

Code ost_method()
{
  return method("COST", 4, Calls::serialized,
                concat({lock(), store(argument(0), reg("CSEL")), store(integer(1), reg("CCMD")),
                        store(argument(1), reg("CDAT")), store(integer(2), reg("CCMD")),
                        store(argument(2), reg("CDAT")), unlock()}));
}

/// What the scan keeps in locals.
struct Scan {
  Code event = local(0); ///< something was found in this round
  Code added = local(1); ///< length of CNEW
  Code index = local(2);
  Code cpu = local(3);
  Code again = local(4);   ///< a list was full
  Code ejected = local(5); ///< length of CEJL, from QEMU 10.0 on
};

/// A CPU that goes away: told at once, or put on a list that is worked off after the round.
Code found_removed(const Scan& s, bool listed)
{
  if (!listed)
    return otherwise(when(equals(reg("CRMV"), integer(1)),
                          concat({call("CTFY", {s.cpu, integer(eject_request)}),
                                  store(integer(1), reg("CRMV")), store(integer(1), s.event)})));
  return when(equals(reg("CRMV"), integer(1)),
              concat({store(s.cpu, element(path("CEJL"), s.ejected)), increment(s.ejected),
                      store(integer(1), s.event)}));
}

/// One CPU with an event, asked of the hardware, beginning at s.cpu.
Code find_one(const Scan& s, bool listed)
{
  const Code full = equals(s.added, integer(list_size));
  return concat({store(integer(0), s.event), store(s.cpu, reg("CSEL")),
                 store(integer(0), reg("CCMD")), when(less(reg("CDAT"), s.cpu), leave_loop()),
                 when(listed ? either(full, equals(s.ejected, integer(list_size))) : full,
                      concat({store(integer(1), s.again), leave_loop()})),
                 store(reg("CDAT"), s.cpu),
                 when(equals(reg("CINS"), integer(1)),
                      concat({store(s.cpu, element(path("CNEW"), s.added)), increment(s.added),
                              store(integer(1), s.event)})),
                 found_removed(s, listed), increment(s.cpu)});
}

/// Tells the system of the CPUs of a list and acknowledges to the hardware.
Code work_off(const Scan& s, std::string_view list, const Code& length)
{
  const bool added = list == "CNEW";
  return concat(
      {store(integer(0), s.index),
       repeat_while(
           less(s.index, length),
           concat({store(value_at(element(path(list), s.index)), s.cpu),
                   call("CTFY", {s.cpu, integer(added ? device_check : eject_request)}),
                   added ? store(s.cpu, debug()) : Code{}, store(s.cpu, reg("CSEL")),
                   store(integer(1), reg(added ? "CINS" : "CRMV")), increment(s.index)}))});
}

Code scan_method(const AcpiShape& shape)
{
  const bool listed = shape.qemu >= qemu_10_0;
  const Scan s;
  const Code search = repeat_while(
      both(equals(s.event, integer(1)), less(s.cpu, integer(shape.cpus))), find_one(s, listed));
  const Code round =
      concat({store(integer(0), s.again), store(integer(1), s.event), store(integer(0), s.added),
              listed ? store(integer(0), s.ejected) : Code{}, search, work_off(s, "CNEW", s.added),
              listed ? work_off(s, "CEJL", s.ejected) : Code{}});
  return method("CSCN", 0, Calls::serialized,
                concat({lock(), name("CNEW", empty_package(list_size)),
                        listed ? name("CEJL", empty_package(list_size)) : Code{},
                        store(integer(0), s.cpu), store(integer(1), s.again),
                        repeat_while(equals(s.again, integer(1)), round), unlock()}));
}

Code processor_object(const AcpiShape& shape, std::uint32_t cpu)
{
  const Code id = integer(cpu);
  const Code inside =
      concat({method("_STA", 0, Calls::serialized, give_back(call("CSTA", {id}))),
              name("_MAT", buffer(apic_entry(cpu))),
              // The first CPU stays.
              cpu > 0 ? method("_EJ0", 1, Calls::concurrent, call("CEJ0", {id})) : Code{},
              method("_OST", 3, Calls::serialized,
                     call("COST", {id, argument(0), argument(1), argument(2)})),
              shape.nodes.empty() ? Code{} : name("_PXM", integer(node_of_cpu(shape, cpu)))});
  if (cpu < first_wide_id) return processor(cpu_name(cpu), static_cast<std::uint8_t>(cpu), inside);
  return device(cpu_name(cpu), concat({name("_HID", text("ACPI0007")), name("_UID", id), inside}));
}

} // namespace

aml::Code cpus(const AcpiShape& shape)
{
  ByteWriter container;
  container.put(name("_HID", text("ACPI0010"))).put(name("_CID", eisa_id("PNP0A05")));
  container.put(notify_method(shape)).put(status_method()).put(eject_method());
  container.put(scan_method(shape)).put(ost_method());
  for (std::uint32_t cpu = 0; cpu < shape.cpus; ++cpu)
    container.put(processor_object(shape, cpu));
  return concat(
      {scope("_SB", concat({register_device(shape), device("\\_SB.CPUS", container.bytes())})),
       method("\\_GPE._E02", 0, Calls::concurrent, call("\\_SB.CPUS.CSCN"))});
}

} // namespace dstack::measure::acpi
