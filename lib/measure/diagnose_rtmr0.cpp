#include "measure/diagnose_parts.hpp"

#include <algorithm>

namespace dstack::measure {

namespace {

using crypto::Sha384Digest;

// Positions in rtmr0_events().
constexpr std::size_t hob_event = 0;
constexpr std::size_t cfv_event = 1;
constexpr std::size_t first_acpi_event = 8;
constexpr std::size_t last_acpi_event = 10;

Sha384Digest hob_digest(const FirmwareSuspect& firmware, std::uint64_t memory)
{
  const auto hob = td_hob(firmware.hob, memory);
  return hob ? crypto::sha384(*hob) : Sha384Digest{};
}

std::vector<BootEvent> events_of(const FirmwareSuspect& firmware,
                                 std::uint64_t memory,
                                 const AcpiDigests& acpi)
{
  return rtmr0_events(
      {hob_digest(firmware, memory), firmware.cfv, acpi.loader, acpi.rsdp, acpi.tables});
}

/// Stated memory first.
std::vector<std::uint64_t> memories(const Search& search, std::vector<std::uint64_t> sizes)
{
  sizes.insert(sizes.begin(), search.stated.machine.memory_bytes);
  return sizes;
}

/// Machine and firmware are what was found; reasons go to the finding.
void explain(Search& search,
             Finding& out,
             const AcpiShape& machine,
             const FirmwareSuspect& firmware)
{
  TdxShape with = search.stated;
  with.machine = machine;
  out.fit = Fit::changed;
  add_label(out, "firmware", search.firmwares[0].label, firmware.label);
  for (Difference& difference : differences(search.stated, with))
    out.differences.push_back(std::move(difference));
  search.found.machine = machine;
}

/// The firmware and memory for which `fits`; its digest of the TD HOB is what is looked for.
struct Memory {
  const FirmwareSuspect* firmware = nullptr; ///< none was found
  std::uint64_t bytes = 0;
};
Memory find_memory(const Search& search,
                   const std::function<bool(const FirmwareSuspect&, std::uint64_t)>& fits)
{
  const auto sizes = memories(search, all_memory_sizes());
  for (const FirmwareSuspect& firmware : search.firmwares)
    for (const std::uint64_t size : sizes)
      if (fits(firmware, size)) return {&firmware, size};
  return {};
}

void set_memory(Search& search, const Memory& memory)
{
  AcpiShape& machine = search.found.machine;
  machine.memory_bytes = memory.bytes;
  if (machine.nodes.empty()) return;
  for (NumaNode& node : machine.nodes)
    node.memory_bytes = memory.bytes / machine.nodes.size();
}

/// Where a search for tables starts. MRTD in the other order of pages speaks for another QEMU, whose
/// tables have the other setting of the 8259, too.
std::vector<AcpiShape> starts_of(const Search& search, const AcpiShape& machine)
{
  std::vector<AcpiShape> out{machine};
  if (search.found.pages == search.stated.pages) return out;
  AcpiShape other = machine;
  other.qemu = search.found.pages == PageOrder::two_pass ? QemuVersion{8, 2, 2} : assumed_qemu;
  other.pic = habits_of(other.qemu).pic;
  out.insert(out.begin(), other);
  return out;
}

/// The finding about the TD HOB, for memory that is not the stated one.
void add_hob_finding(Search& search, Finding out, const Memory& memory)
{
  if (memory.firmware != nullptr) {
    set_memory(search, memory);
    explain(search, out, search.found.machine, *memory.firmware);
  } else {
    out.note = "no memory size that was tried gives this list with any firmware at hand";
  }
  search.findings.push_back(std::move(out));
}

/// Tables by their digests, all three of them.
void find_tables(Search& search, Finding& out, const AcpiDigests& wanted)
{
  const bool found = search_shapes(
      starts_of(search, search.found.machine), MemoryIs::known, [&](const AcpiShape& machine) {
        const auto blobs = acpi_blobs(machine);
        if (!blobs || crypto::sha384(blobs->rsdp) != wanted.rsdp ||
            crypto::sha384(blobs->tables) != wanted.tables ||
            crypto::sha384(blobs->loader) != wanted.loader)
          return false;
        explain(search, out, machine, search.firmwares[0]);
        return true;
      });
  const bool alike = serving_class(search.stated.machine.memory_bytes) ==
                     serving_class(search.found.machine.memory_bytes);
  if (alike && search.found.machine.nodes.empty())
    std::erase_if(out.differences, [](const Difference& d) { return d.input == "memory"; });
  if (!found) out.note = "no machine that was tried has these tables";
}

void add_acpi_finding(Search& search,
                      const std::vector<BootEvent>& predicted,
                      const AcpiDigests& actual)
{
  const std::array<const Sha384Digest*, 3> digests{&actual.loader, &actual.rsdp, &actual.tables};
  Finding out = finding_of("RTMR0", predicted[last_acpi_event].digest, actual.tables);
  for (std::size_t i = first_acpi_event; i <= last_acpi_event; ++i)
    if (predicted[i].digest != *digests[i - first_acpi_event])
      out.events.emplace_back(predicted[i].name);
  if (out.events.empty()) return;
  find_tables(search, out, actual);
  search.findings.push_back(std::move(out));
}

void diagnose_events(Search& search, const std::vector<BootEvent>& predicted)
{
  const auto& actual = search.observed.events[0];
  if (!add_constants(search, 0, predicted, {hob_event, cfv_event, 8, 9, 10})) return;
  if (predicted[hob_event].digest != actual[hob_event])
    add_hob_finding(search, event_finding("RTMR0", predicted[hob_event], actual[hob_event]),
                    find_memory(search, [&](const FirmwareSuspect& firmware, std::uint64_t memory) {
                      return hob_digest(firmware, memory) == actual[hob_event];
                    }));
  if (predicted[cfv_event].digest != actual[cfv_event]) {
    Finding out = event_finding("RTMR0", predicted[cfv_event], actual[cfv_event]);
    for (const FirmwareSuspect& firmware : search.firmwares)
      if (out.fit == Fit::nothing && firmware.cfv == actual[cfv_event]) {
        out.fit = Fit::changed;
        add_label(out, "firmware", search.firmwares[0].label, firmware.label);
      }
    if (out.fit == Fit::nothing) out.note = "no firmware at hand has this configuration volume";
    search.findings.push_back(std::move(out));
  }
  add_acpi_finding(search, predicted, {actual[8], actual[9], actual[10]});
}

/// With the tables' digests alone: memory is what makes them replay to the register.
bool diagnose_tables(Search& search, const std::vector<BootEvent>& predicted)
{
  const AcpiDigests& acpi = *search.observed.acpi;
  const Memory memory =
      find_memory(search, [&](const FirmwareSuspect& firmware, std::uint64_t size) {
        return replay(events_of(firmware, size, acpi)) == search.observed.rtmr[0];
      });
  if (memory.firmware == nullptr) return false;
  const auto actual = events_of(*memory.firmware, memory.bytes, acpi);
  if (actual[hob_event].digest != predicted[hob_event].digest)
    add_hob_finding(
        search, event_finding("RTMR0", predicted[hob_event], actual[hob_event].digest), memory);
  add_acpi_finding(search, predicted, acpi);
  return true;
}

/// RTMR0 before the tables.
struct Prefix {
  const FirmwareSuspect* firmware = nullptr;
  std::uint64_t memory = 0;
  Sha384Digest value{};
};

std::vector<Prefix> prefixes_of(const Search& search)
{
  std::vector<Prefix> out;
  const auto sizes = memories(search, usual_memory_sizes());
  for (const std::uint64_t size : sizes)
    for (const FirmwareSuspect& firmware : search.firmwares) {
      const auto events = events_of(firmware, size, {});
      attest::Register value;
      for (std::size_t i = 0; i < first_acpi_event; ++i)
        value.extend(events[i].digest);
      out.push_back({&firmware, size, value.value()});
    }
  return out;
}

Sha384Digest finish(const Prefix& prefix, const std::vector<BootEvent>& events)
{
  attest::Register value = attest::Register::of(prefix.value);
  for (std::size_t i = first_acpi_event; i < events.size(); ++i)
    value.extend(events[i].digest);
  return value.value();
}

/// The tables are alike for all memory sizes of a class, but not with NUMA nodes.
bool tables_apply(const AcpiShape& machine, std::uint64_t memory)
{
  return memory == machine.memory_bytes ||
         (machine.nodes.empty() && serving_class(memory) == serving_class(machine.memory_bytes));
}

void diagnose_register(Search& search, const std::vector<BootEvent>& predicted)
{
  Finding out = finding_of("RTMR0", replay(predicted), search.observed.rtmr[0]);
  const std::vector<Prefix> prefixes = prefixes_of(search);
  const auto visit = [&](const AcpiShape& machine) {
    const auto acpi = acpi_digests(machine);
    if (!acpi) return false;
    const auto events = rtmr0_events({{}, {}, acpi->loader, acpi->rsdp, acpi->tables});
    for (const Prefix& prefix : prefixes) {
      if (!tables_apply(machine, prefix.memory) ||
          finish(prefix, events) != search.observed.rtmr[0])
        continue;
      AcpiShape found = machine;
      found.memory_bytes = prefix.memory;
      explain(search, out, found, *prefix.firmware);
      return true;
    }
    return false;
  };
  if (!search_shapes(starts_of(search, search.stated.machine), MemoryIs::unknown, visit))
    out.note = "no machine that was tried gives this register; its event log would say which event";
  search.findings.push_back(std::move(out));
}

} // namespace

Status diagnose_rtmr0(Search& search)
{
  const AcpiShape& machine = search.stated.machine;
  TRY(td_hob(search.firmwares[0].hob, machine.memory_bytes).within("TD HOB"));
  const auto predicted = events_of(search.firmwares[0], machine.memory_bytes,
                                   TRY(acpi_digests(machine)));
  if (!search.observed.events[0].empty()) {
    diagnose_events(search, predicted);
    return ok();
  }
  if (replay(predicted) == search.observed.rtmr[0]) return ok();
  if (search.observed.acpi && diagnose_tables(search, predicted)) return ok();
  diagnose_register(search, predicted);
  return ok();
}

} // namespace dstack::measure
