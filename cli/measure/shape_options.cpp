#include "cli/measure/shape_options.hpp"

namespace dstack::cli {

namespace {

constexpr std::string_view heading = "The VM";

std::string_view on_off(bool value)
{
  return value ? "on" : "off";
}

std::string_view header_name(measure::KernelHeader header)
{
  return header == measure::KernelHeader::written_by_qemu ? "qemu" : "file";
}

} // namespace

bool ShapeOptions::given(std::string_view input) const
{
  const auto all = measure::inputs();
  for (std::size_t i = 0; i < all.size(); ++i)
    if (all[i].name == input) return !values[i].empty();
  return false;
}

void add_shape_options(Leaf& leaf, ShapeOptions& options)
{
  const auto all = measure::inputs();
  for (std::size_t i = 0; i < all.size(); ++i) {
    Option& option = leaf.option(fmt::format("--{}", all[i].name), options.values[i],
                                 std::string{all[i].value}, std::string{all[i].help});
    option.group(std::string{heading});
    const std::size_t bar = all[i].value.find('|');
    if (bar != std::string_view::npos)
      option.choices({std::string{all[i].value.substr(0, bar)},
                      std::string{all[i].value.substr(bar + 1)}});
  }
}

measure::VmConfig default_vm()
{
  measure::VmConfig out;
  out.cpus = 2;
  return out;
}

Status apply(const ShapeOptions& options, measure::VmConfig& config)
{
  const auto all = measure::inputs();
  for (std::size_t i = 0; i < all.size(); ++i)
    if (!options.values[i].empty())
      TRY(measure::set_input(config, all[i].name, options.values[i]).within("--{}", all[i].name));
  return ok();
}

codec::Json inputs_json(const measure::TdxShape& shape)
{
  const measure::AcpiShape& machine = shape.machine;
  return codec::Json::object()
      .set("qemu", measure::text_of(machine.qemu))
      .set("page_order", measure::name_of(shape.pages))
      .set("pic", machine.pic)
      .set("kernel_header", header_name(shape.header))
      .set("cpus", machine.cpus)
      .set("memory_bytes", machine.memory_bytes)
      .set("hotplug", machine.hotplug)
      .set("pci_hole64", machine.pci_hole64)
      .set("slots", machine.slots)
      .set("gpus", machine.gpus)
      .set("nvswitches", machine.nvswitches)
      .set("numa_nodes", std::uint64_t{machine.nodes.size()});
}

std::vector<std::string> inputs_text(const measure::TdxShape& shape)
{
  const measure::AcpiShape& machine = shape.machine;
  return {fmt::format("{} CPUs, {} of memory, {} PCI slots, hotplug {}, PCI hole {}, {} GPUs, {} "
                      "NVSwitches, {} NUMA nodes",
                      machine.cpus, measure::exact_size(machine.memory_bytes), machine.slots,
                      on_off(machine.hotplug),
                      machine.pci_hole64 == 0 ? "QEMU's own"
                                              : measure::exact_size(machine.pci_hole64),
                      machine.gpus, machine.nvswitches, machine.nodes.size()),
          fmt::format("pages {}, PIC {}, kernel header {}", measure::name_of(shape.pages),
                      on_off(machine.pic),
                      shape.header == measure::KernelHeader::written_by_qemu ? "written by QEMU"
                                                                             : "as in its file")};
}

} // namespace dstack::cli
