#include "measure/inputs.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace dstack::measure {

namespace {

constexpr std::array<Input, 16> all_inputs{{
    {"cpus", "N", "Virtual CPUs"},
    {"memory", "SIZE", "Memory: 2G, 4096M"},
    {"qemu", "VERSION", "Version of the host's QEMU, x.y.z"},
    {"two-pass", "on|off", "QEMU adds a section's pages, then measures them"},
    {"pic", "on|off", "The tables say that there is an 8259"},
    {"kernel-header", "qemu|file", "Kernel's header as QEMU writes it, or as in its file"},
    {"hotplug", "on|off", "ACPI PCI hotplug"},
    {"pci-hole64", "SIZE", "PCI hole above 4 GiB; 0 is QEMU's own"},
    {"nics", "N", "Network cards"},
    {"volumes", "N", "Further disks: verity volumes, a disk of container images"},
    {"slots", "N", "PCI slots taken, instead of counting disks and cards"},
    {"gpus", "N", "GPUs passed through"},
    {"nvswitches", "N", "NVSwitches passed through"},
    {"hugepages", "on|off", "Memory of huge pages, on one NUMA node"},
    {"numa-nodes", "N", "Memory of huge pages, on so many NUMA nodes"},
    {"node-gpus", "N+N", "GPUs of each NUMA node, where they are not spread evenly"},
}};

Result<bool> on_off(std::string_view value)
{
  if (value == "on") return true;
  if (value == "off") return false;
  return fail(Errc::usage, "'{}' (want on or off)", value);
}

Result<std::uint32_t> small(std::string_view value, std::uint32_t least)
{
  const std::uint64_t number = TRY(parse_u64(value));
  if (number < least || number > max_acpi_cpus)
    return fail(Errc::usage, "{} (want {} to {})", number, least, max_acpi_cpus);
  return static_cast<std::uint32_t>(number);
}

/// "2+1": two nodes with three GPUs.
Status set_node_gpus(VmConfig& config, std::string_view value)
{
  config.node_gpus.clear();
  config.gpus = 0;
  for (const std::string_view word : split(value, '+')) {
    config.node_gpus.push_back(TRY(small(word, 0)));
    config.gpus += config.node_gpus.back();
  }
  if (config.node_gpus.size() > max_numa_nodes || config.gpus > max_acpi_cpus)
    return fail(Errc::usage, "{} GPUs on {} nodes", config.gpus, config.node_gpus.size());
  config.numa_nodes = static_cast<std::uint32_t>(config.node_gpus.size());
  return ok();
}

Status set_number(VmConfig& config, std::string_view name, std::string_view value)
{
  if (name == "gpus" || name == "numa-nodes") config.node_gpus.clear();
  if (name == "cpus") config.cpus = TRY(small(value, 1));
  if (name == "nics") config.nics = TRY(small(value, 0));
  if (name == "volumes") config.volumes = TRY(small(value, 0));
  if (name == "slots") config.slots = TRY(small(value, 0));
  if (name == "gpus") config.gpus = TRY(small(value, 0));
  if (name == "nvswitches") config.nvswitches = TRY(small(value, 0));
  if (name == "numa-nodes") config.numa_nodes = TRY(small(value, 0));
  if (name == "memory") config.memory_bytes = TRY(parse_size(value));
  if (name == "pci-hole64") config.pci_hole64 = TRY(parse_size(value));
  return ok();
}

Status set_value(VmConfig& config, std::string_view name, std::string_view value)
{
  if (name == "qemu") {
    config.qemu = TRY(parse_qemu_version(value));
  } else if (name == "two-pass") {
    config.pages = TRY(on_off(value)) ? PageOrder::two_pass : PageOrder::single_pass;
  } else if (name == "pic") {
    config.pic = TRY(on_off(value));
  } else if (name == "hotplug") {
    config.hotplug = TRY(on_off(value));
  } else if (name == "hugepages") {
    config.numa_nodes = TRY(on_off(value)) ? 1 : 0;
    config.node_gpus.clear();
  } else if (name == "node-gpus") {
    return set_node_gpus(config, value);
  } else if (name == "kernel-header") {
    if (value != "qemu" && value != "file")
      return fail(Errc::usage, "'{}' (want qemu or file)", value);
    config.header = value == "qemu" ? KernelHeader::written_by_qemu : KernelHeader::as_in_file;
  } else {
    return set_number(config, name, value);
  }
  return ok();
}

/// As GPUs are spread over nodes when nothing is said: the first ones have one more.
bool is_even(const std::vector<std::uint32_t>& gpus)
{
  return gpus.empty() ||
         (std::is_sorted(gpus.rbegin(), gpus.rend()) && gpus.front() - gpus.back() <= 1);
}

} // namespace

std::span<const Input> inputs()
{
  return all_inputs;
}

Status set_input(VmConfig& config, std::string_view name, std::string_view value)
{
  if (std::none_of(all_inputs.begin(), all_inputs.end(),
                   [&](const Input& input) { return input.name == name; })) {
    std::vector<std::string> names;
    for (const Input& input : all_inputs)
      names.emplace_back(input.name);
    return fail(Errc::usage, "there is no input '{}' (there are {})", name, join(names, ", "));
  }
  auto done = set_value(config, name, value).within("{}", name);
  if (done) return done;
  return Error{Errc::usage, done.error().message()};
}

Result<Axis> parse_axis(std::string_view text)
{
  const std::size_t sign = text.find('=');
  if (sign == std::string_view::npos || sign + 1 == text.size())
    return fail(Errc::usage, "'{}' (want NAME=VALUE,VALUE…)", text);
  Axis out;
  out.name = std::string{text.substr(0, sign)};
  for (const std::string_view value : split(text.substr(sign + 1), ','))
    out.values.emplace_back(value);
  VmConfig probe;
  for (const std::string& value : out.values)
    TRY(set_input(probe, out.name, value));
  return out;
}

Result<std::vector<std::vector<std::string>>> combinations(const std::vector<Axis>& axes)
{
  std::vector<std::vector<std::string>> out{{}};
  for (const Axis& axis : axes) {
    if (out.size() * axis.values.size() > max_matrix)
      return fail(Errc::usage, "a matrix of more than {} machines", max_matrix);
    std::vector<std::vector<std::string>> next;
    for (const std::vector<std::string>& row : out)
      for (const std::string& value : axis.values) {
        next.push_back(row);
        next.back().push_back(value);
      }
    out = std::move(next);
  }
  return out;
}

std::string exact_size(std::uint64_t bytes)
{
  constexpr std::uint64_t step = 1024;
  constexpr std::string_view units = "KMGT";
  if (bytes == 0) return "0";
  std::size_t unit = 0;
  while (unit < units.size() && bytes % step == 0) {
    bytes /= step;
    ++unit;
  }
  return unit == 0 ? fmt::format("{}", bytes) : fmt::format("{}{}", bytes, units[unit - 1]);
}

std::string node_gpus_text(const AcpiShape& machine)
{
  return fmt::format("{}", fmt::join(node_gpus_of(machine), "+"));
}

std::vector<std::string> option_words(const TdxShape& shape)
{
  const AcpiShape& machine = shape.machine;
  const TdxShape usual = usual_shape(machine.qemu, machine.cpus, machine.memory_bytes);
  std::vector<std::string> out;
  const auto add = [&out](std::string_view name, std::string value) {
    out.push_back(fmt::format("--{}", name));
    out.push_back(std::move(value));
  };
  const auto flag = [](bool value) { return std::string{value ? "on" : "off"}; };
  add("qemu", text_of(machine.qemu));
  add("cpus", fmt::format("{}", machine.cpus));
  add("memory", exact_size(machine.memory_bytes));
  if (shape.pages != usual.pages) add("two-pass", flag(shape.pages == PageOrder::two_pass));
  if (machine.pic != usual.machine.pic) add("pic", flag(machine.pic));
  if (shape.header != usual.header)
    add("kernel-header", shape.header == KernelHeader::written_by_qemu ? "qemu" : "file");
  if (!machine.hotplug) add("hotplug", "off");
  if (machine.pci_hole64 != 0) add("pci-hole64", exact_size(machine.pci_hole64));
  if (machine.slots != usual.machine.slots) add("slots", fmt::format("{}", machine.slots));
  if (machine.gpus != 0) add("gpus", fmt::format("{}", machine.gpus));
  if (machine.nvswitches != 0) add("nvswitches", fmt::format("{}", machine.nvswitches));
  if (!machine.nodes.empty()) add("numa-nodes", fmt::format("{}", machine.nodes.size()));
  if (!is_even(node_gpus_of(machine))) add("node-gpus", node_gpus_text(machine));
  return out;
}

} // namespace dstack::measure
