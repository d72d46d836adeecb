#include "measure/vm_config.hpp"

#include "measure/inputs.hpp"
#include "measure/machine_layout.hpp"

#include <doctest/doctest.h>

namespace dstack::measure {
namespace {

/// A machine as `dstack deploy --tee tdx` makes it when it is told nothing.
vm::MachineSpec deployed()
{
  vm::MachineSpec out;
  out.confidential = vm::Confidential::tdx;
  out.cpus = 2;
  out.memory_bytes = 2 * gib;
  return out;
}

VmConfig on_qemu(const vm::MachineSpec& machine, const QemuVersion& qemu)
{
  VmConfig out = vm_config_of(vm::machine_shape(machine));
  out.qemu = qemu;
  return out;
}

/// What `dstack measure` starts from, with its options on top.
VmConfig measured(const std::vector<std::pair<std::string_view, std::string_view>>& options)
{
  VmConfig out;
  for (const auto& [name, value] : options)
    REQUIRE(set_input(out, name, value));
  return out;
}

struct Case {
  vm::MachineSpec machine{};
  std::vector<std::pair<std::string_view, std::string_view>> options{};
};

std::vector<Case> cases()
{
  std::vector<Case> out{{deployed(), {{"cpus", "2"}}}};
  vm::MachineSpec next = deployed();
  next.bundle = "bundle.tar";
  next.networks.push_back({vm::NetworkMode::tap, "vm0", ""});
  next.memory_node = 1; // where memory lies is not measured
  next.cpus = 300;
  next.memory_bytes = gib;
  out.push_back({next, {{"cpus", "300"}, {"memory", "1G"}, {"nics", "2"}, {"volumes", "1"}}});
  next = deployed();
  next.networks.clear();
  next.gpus = {{"0000:17:00.0", 0}};
  next.nvswitches = {{"0000:07:00.0", 0}, {"0000:08:00.0", 1}};
  next.pci_hole64_bytes = std::uint64_t{16} << 40U;
  next.pci_hotplug = false;
  out.push_back({next,
                 {{"cpus", "2"},
                  {"nics", "0"},
                  {"gpus", "1"},
                  {"nvswitches", "2"},
                  {"pci-hole64", "16384G"},
                  {"hotplug", "off"}}});
  next = deployed();
  next.hugepage_nodes = {0};
  out.push_back({next, {{"cpus", "2"}, {"hugepages", "on"}}});
  next.hugepage_nodes = {1, 3};
  next.memory_bytes = 64 * gib;
  next.gpus = {{"0000:17:00.0", 3}, {"0000:3d:00.0", 1}, {"0000:9a:00.0", 3}};
  out.push_back({next, {{"cpus", "2"}, {"memory", "64G"}, {"node-gpus", "1+2"}}});
  return out;
}

} // namespace

TEST_SUITE("measure::vm_config_of")
{
  TEST_CASE("a deployed machine has the tables that 'dstack measure' predicts for its options")
  {
    for (const QemuVersion qemu : {QemuVersion{10, 1, 0}, QemuVersion{11, 1, 3}})
      for (const Case& one : cases()) {
        REQUIRE(vm::check_devices(one.machine));
        VmConfig asked = measured(one.options);
        asked.qemu = qemu;
        const auto deployed_shape = shape_of(on_qemu(one.machine, qemu));
        const auto asked_shape = shape_of(asked);
        REQUIRE(deployed_shape);
        REQUIRE(asked_shape);
        const auto ours = acpi_digests(deployed_shape->machine);
        const auto theirs = acpi_digests(asked_shape->machine);
        REQUIRE_MESSAGE(ours, (ours ? "" : ours.error().message()));
        REQUIRE(theirs);
        CHECK(ours->tables == theirs->tables);
        CHECK(ours->loader == theirs->loader);
        CHECK(deployed_shape->machine.memory_bytes == asked_shape->machine.memory_bytes);
        CHECK(deployed_shape->pages == asked_shape->pages);
        CHECK(deployed_shape->header == asked_shape->header);
      }
  }

  TEST_CASE("a machine that differs has other tables")
  {
    const auto tables = [](const vm::MachineSpec& machine) {
      return acpi_digests(shape_of(on_qemu(machine, {11, 1, 3}))->machine)->tables;
    };
    const auto all = cases();
    for (std::size_t i = 0; i < all.size(); ++i)
      for (std::size_t k = 0; k < i; ++k)
        CHECK(tables(all[i].machine) != tables(all[k].machine));
  }

  TEST_CASE("the document says it again to whoever reads it")
  {
    for (const Case& one : cases()) {
      VmConfig config = on_qemu(one.machine, {10, 1, 0});
      config.ovmf_variant = "pre202505";
      const codec::Json document = to_json(config, codec::Json::object());
      const auto read = parse_vm_config(document);
      REQUIRE_MESSAGE(read, (read ? "" : read.error().message()));
      CHECK(*read == config);
      CHECK((document.find("numa_node_gpus") != nullptr) == (config.numa_nodes > 1));
    }
    VmConfig told;
    told.pages = PageOrder::two_pass;
    told.pic = true;
    const codec::Json document = to_json(told, codec::Json::object().set("spec_version", 1));
    CHECK(*document.need_u64("spec_version") == 1);
    CHECK(document.find("qemu_version") == nullptr);
    CHECK(document.find("num_nics") == nullptr);
    CHECK(document.find("num_verity_volumes") == nullptr);
    CHECK(*parse_vm_config(document) == told);
  }

  TEST_CASE("a device that no document counts is in the number of slots")
  {
    vm::MachineSpec simulated = deployed();
    simulated.confidential = vm::Confidential::none; // has a random device
    const VmConfig config = vm_config_of(vm::machine_shape(simulated));
    CHECK(config.slots == 6U);
    CHECK_FALSE(vm_config_of(vm::machine_shape(deployed())).slots);
  }
}

} // namespace dstack::measure
