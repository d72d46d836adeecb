/// Starts real QEMUs in many shapes, reads the ACPI blobs they would hand to the firmware, and
/// compares them with acpi_blobs byte for byte. Arguments: the QEMU programs.
///
/// The machines are those of spec host 1.13 with stand-ins for what needs a host's hardware: the
/// tables know nothing of a device but its slot. Registers that firmware sets before it reads the
/// tables are set here.
#include "base/text.hpp"
#include "firmware_config.hpp"
#include "measure/acpi.hpp"

#include <algorithm>

namespace dstack::measure {
namespace {

using qtest::Machine;

constexpr std::uint64_t mib = std::uint64_t{1} << 20U;
constexpr std::uint64_t gib = std::uint64_t{1} << 30U;
constexpr std::uint64_t tib = std::uint64_t{1} << 40U;
/// Before, the tables say that there is an 8259 pair, whether or not (spec host 5.1).
constexpr QemuVersion tells_pic{9, 0, 0};
constexpr std::size_t least_versions = 3;
constexpr std::size_t least_shapes = 10;

constexpr std::uint32_t max_xapic_cpus = 255;

struct Case {
  std::string_view name{};
  AcpiShape shape{}; ///< its version is that of the QEMU compared with
  QemuVersion since = oldest_qemu; ///< older ones refuse to start it
};

template <class Change> AcpiShape shape_of(std::uint32_t cpus, std::uint64_t memory, Change change)
{
  AcpiShape shape;
  shape.tdx = false;
  shape.cpus = cpus;
  shape.memory_bytes = memory;
  change(shape);
  return shape;
}

std::vector<Case> cases()
{
  const auto plain = [](AcpiShape& /*shape*/) {};
  return {
      {"an ordinary machine, SMM and PIC as QEMU has them",
       shape_of(1, gib, [](AcpiShape& s) { s.pic = s.smm = true; })},
      {"2 CPUs, 2 GiB", shape_of(2, 2 * gib, plain)},
      {"2 CPUs, 2 GiB, PIC", shape_of(2, 2 * gib, [](AcpiShape& s) { s.pic = true; })},
      {"4 CPUs, 2560 MiB, no NIC", shape_of(4, 2560 * mib, [](AcpiShape& s) { s.slots = 4; })},
      {"8 CPUs, 2815 MiB, two NICs", shape_of(8, 2815 * mib, [](AcpiShape& s) { s.slots = 6; })},
      {"9 CPUs, 2816 MiB, hotplug off",
       shape_of(9, 2816 * mib, [](AcpiShape& s) { s.hotplug = false; })},
      {"64 CPUs, 256 GiB, four volumes",
       shape_of(64, 256 * gib, [](AcpiShape& s) { s.slots = 9; })},
      {"255 CPUs, 512 GiB", shape_of(255, 512 * gib, plain)},
      {"300 CPUs, which need x2APIC", shape_of(300, 512 * gib, plain), {9, 0, 0}},
      {"all slots taken", shape_of(3, 8 * gib, [](AcpiShape& s) { s.slots = 30; })},
      {"a PCI hole of 100 GiB and 1 byte",
       shape_of(2, 4 * gib, [](AcpiShape& s) { s.pci_hole64 = 100 * gib + 1; })},
      {"a GPU, hotplug off, a PCI hole of 16 TiB", shape_of(16, 64 * gib, [](AcpiShape& s) {
         s.gpus = 1, s.hotplug = false, s.pci_hole64 = 16 * tib;
       })},
      {"2 GPUs, 1 NVSwitch, hotplug",
       shape_of(8, 16 * gib, [](AcpiShape& s) { s.gpus = 2, s.nvswitches = 1; })},
      {"8 GPUs, 4 NVSwitches, hotplug",
       shape_of(8, 16 * gib, [](AcpiShape& s) { s.gpus = 8, s.nvswitches = 4; })},
      {"one NUMA node with its expander",
       shape_of(2, 2815 * mib, [](AcpiShape& s) { s.nodes = {{2815 * mib, 5}}; })},
      {"two NUMA nodes with expanders, 2 NVSwitches", shape_of(8, 16 * gib, [](AcpiShape& s) {
         s.nodes = {{8 * gib, 5}, {8 * gib, 14}}, s.nvswitches = 2;
       })},
      {"three NUMA nodes, the first of 512 KiB", shape_of(6, 4 * gib, [](AcpiShape& s) {
         s.nodes = {{mib / 2}, {gib}, {3 * gib - mib / 2}};
       })},
      {"one NUMA node of 1 TiB", shape_of(2, tib, [](AcpiShape& s) { s.nodes = {{tib}}; })},
      {"one NUMA node of 1 TiB, AMD's CPU",
       shape_of(2, tib, [](AcpiShape& s) { s.nodes = {{tib}}, s.amd_cpu = true; })},
  };
}

/// The machine of spec host 1.13 for a shape.
class Arguments {
public:
  explicit Arguments(const AcpiShape& shape)
  {
    add({"-display", "none", "-nodefaults", "-no-user-config"});
    // TDX machines have Intel CPUs; QEMU's own models claim to be AMD's.
    add({"-cpu", fmt::format("qemu64,phys-bits=46,vendor={}{}",
                             shape.amd_cpu ? "AuthenticAMD" : "GenuineIntel",
                             shape.cpus > max_xapic_cpus ? ",+x2apic" : "")});
    add({"-chardev", "null,id=com0", "-serial", "chardev:com0"});
    if (!shape.hotplug)
      add({"-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off"});
    if (shape.pci_hole64 != 0)
      add({"-global", fmt::format("q35-pcihost.pci-hole64-size={:#x}", shape.pci_hole64)});
    for (std::uint32_t i = 0; i < shape.slots; ++i)
      add_device(shape.slots, i);
    add_memory(shape);
    for (std::uint32_t k = 1; k <= shape.gpus + shape.nvswitches; ++k)
      add_passed_device(shape, k);
    add({"-smp", std::to_string(shape.cpus)});
  }
  std::vector<std::string> take() { return std::move(arguments_); }

private:
  void add(std::initializer_list<std::string> more)
  {
    arguments_.insert(arguments_.end(), more.begin(), more.end());
  }
  /// Two disks, volumes, NICs, vsock and the share, none of which the tables tell apart.
  void add_device(std::uint32_t count, std::uint32_t number)
  {
    if (number + 3 == count) return add({"-device", "virtio-net-pci,romfile="});
    if (number + 2 == count) return add({"-device", "virtio-rng-pci"}); // for vhost-vsock-pci
    add({"-blockdev", fmt::format("null-co,node-name=hd{},read-zeroes=on", number), "-device",
         fmt::format("virtio-blk-pci,drive=hd{}", number)});
  }
  void add_memory(const AcpiShape& shape)
  {
    // Nothing is written to most of it, so the host need not have as much.
    const auto backend = [&](std::string_view id, std::uint64_t size) {
      add({"-object",
           fmt::format("memory-backend-ram,id={},size={},reserve=off,prealloc=off", id, size)});
    };
    std::string machine = fmt::format("q35,hpet=off,smm={},pic={}", shape.smm ? "on" : "off",
                                      shape.pic ? "on" : "off");
    if (shape.nodes.empty()) {
      backend("ram", shape.memory_bytes);
      machine += ",memory-backend=ram";
    }
    add({"-machine", machine, "-m", fmt::format("{}k", shape.memory_bytes / 1024)});
    const std::size_t cpus = shape.nodes.empty() ? 0 : shape.cpus / shape.nodes.size();
    for (std::size_t i = 0; i < shape.nodes.size(); ++i) {
      backend(fmt::format("mem{}", i), shape.nodes[i].memory_bytes);
      add({"-numa", fmt::format("node,nodeid={0},cpus={1}-{2},memdev=mem{0}", i, i * cpus,
                                (i + 1) * cpus - 1)});
      if (shape.nodes[i].expander_bus)
        add({"-device",
             fmt::format("pxb-pcie,id=pcie.node{0},bus=pcie.0,addr={1:x},numa_node={0},bus_nr={2}",
                         i, 16 + i, *shape.nodes[i].expander_bus)});
    }
  }
  /// GPUs are behind the first expander where there is one; any device stands for one.
  void add_passed_device(const AcpiShape& shape, std::uint32_t number)
  {
    const bool expander = !shape.nodes.empty() && shape.nodes.front().expander_bus.has_value();
    const std::string_view bus = expander && number <= shape.gpus ? "pcie.node0" : "pcie.0";
    add({"-device", fmt::format("pcie-root-port,id=pci.{0},bus={1},chassis={0}", number, bus),
         "-device", fmt::format("virtio-rng-pci,bus=pci.{}", number)});
  }

  std::vector<std::string> arguments_;
};

Result<AcpiBlobs> blobs_of(const std::string& qemu, const AcpiShape& shape)
{
  Machine machine = TRY(Machine::start(qemu, Arguments{shape}.take()));
  TRY(qtest::play_firmware(machine).within("firmware's registers"));
  AcpiBlobs out;
  out.tables = TRY(qtest::config_file(machine, "etc/acpi/tables"));
  out.loader = TRY(qtest::config_file(machine, "etc/table-loader"));
  out.rsdp = TRY(qtest::config_file(machine, "etc/acpi/rsdp"));
  return out;
}

/// Empty, or where two blobs part.
std::string difference(std::string_view name, ByteView theirs, ByteView ours)
{
  if (equal(theirs, ours)) return {};
  const auto [a, b] = std::mismatch(theirs.begin(), theirs.end(), ours.begin(), ours.end());
  const auto at = static_cast<std::size_t>(a - theirs.begin());
  const auto around = [&](ByteView in) {
    const std::size_t from = std::min(in.size(), at < 24 ? 0 : at - 24);
    return hex(in.subspan(from, std::min<std::size_t>(48, in.size() - from)));
  };
  return fmt::format("{} differs at {:#x} (sizes {} and {}):\n  QEMU {}\n  ours {}", name, at,
                     theirs.size(), ours.size(), around(theirs), around(ours));
}

std::string compare(const AcpiBlobs& theirs, const AcpiBlobs& ours)
{
  for (const auto& [name, a, b] :
       {std::tuple{"tables", &theirs.tables, &ours.tables},
        std::tuple{"loader", &theirs.loader, &ours.loader},
        std::tuple{"rsdp", &theirs.rsdp, &ours.rsdp}})
    if (auto found = difference(name, *a, *b); !found.empty()) return found;
  return {};
}

Result<QemuVersion> version_of(const std::string& qemu)
{
  sys::Command command;
  command.argv = {qemu, "--version"};
  const sys::Output out = TRY(sys::run_ok(command, {}, {}));
  constexpr std::string_view before = "QEMU emulator version ";
  if (!out.out.starts_with(before)) return fail(Errc::malformed, "{} says '{}'", qemu, out.out);
  const std::string_view rest = std::string_view{out.out}.substr(before.size());
  return parse_qemu_version(rest.substr(0, rest.find_first_of(" \n")));
}

/// Status of the shapes compared with one QEMU; how many were equal.
Result<std::size_t> compare_all(const std::string& qemu)
{
  const QemuVersion version = TRY(version_of(qemu));
  std::size_t equal_count = 0;
  for (const Case& wanted : cases()) {
    if (version < wanted.since) {
      fmt::print("LEFT OUT QEMU {}, {}: only {} and later start it\n", text_of(version),
                 wanted.name, text_of(wanted.since));
      continue;
    }
    AcpiShape shape = wanted.shape;
    shape.qemu = version;
    const AcpiBlobs theirs = TRY(blobs_of(qemu, shape).within("{}", wanted.name));
    if (version < tells_pic) shape.pic = true;
    const AcpiBlobs ours = TRY(acpi_blobs(shape).within("{}", wanted.name));
    const std::string found = compare(theirs, ours);
    if (found.empty())
      ++equal_count;
    else
      fmt::print("DIFFERS: QEMU {}, {}: {}\n", text_of(version), wanted.name, found);
  }
  fmt::print("QEMU {}: {} shapes, all bytes equal\n", text_of(version), equal_count);
  return equal_count;
}

int run(const std::vector<std::string>& programs)
{
  for (const std::string& qemu : programs) {
    const auto equal_count = compare_all(qemu);
    if (!equal_count) {
      fmt::print("FAILED: {}\n", equal_count.error().message());
      return 1;
    }
    if (*equal_count < least_shapes) {
      fmt::print("FAILED: {}: {} shapes compared (want {})\n", qemu, *equal_count, least_shapes);
      return 1;
    }
  }
  if (programs.size() >= least_versions) return 0;
  fmt::print("FAILED: {} versions compared (want {})\n", programs.size(), least_versions);
  return 1;
}

} // namespace
} // namespace dstack::measure

int main(int argc, char** argv)
{
  return dstack::measure::run({argv + 1, argv + argc});
}
