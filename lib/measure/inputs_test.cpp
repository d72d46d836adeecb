#include "measure/inputs.hpp"

#include "measure/machine_layout.hpp"
#include "measure/shape_search.hpp"

#include <algorithm>
#include <doctest/doctest.h>

namespace dstack::measure {
namespace {

VmConfig claimed(std::string_view text)
{
  const auto json = codec::parse_json(text);
  REQUIRE(json);
  const auto config = parse_vm_config(*json);
  REQUIRE_MESSAGE(config, (config ? "" : config.error().message()));
  return *config;
}

std::string refusal(std::string_view text)
{
  const auto config = parse_vm_config(*codec::parse_json(text));
  return config ? "accepted" : config.error().message();
}

} // namespace

TEST_SUITE("measure")
{
  TEST_CASE("a vm_config gives the machine it describes (spec host 1.12, 5.1, 5.5.6)")
  {
    const auto shape = shape_of(claimed(R"({"cpu_count":2,"memory_size":2147483648,
      "qemu_version":"8.2.2","pci_hole64_size":0,"hugepages":false,"num_gpus":0,
      "num_nvswitches":0,"hotplug_off":false,"image":"dstack-0.6.0","host_share_mode":"9p"})"));
    REQUIRE(shape);
    CHECK(shape->machine.qemu == QemuVersion{8, 2, 2});
    CHECK(shape->machine.pic);
    CHECK(shape->pages == PageOrder::two_pass);
    CHECK(shape->machine.slots == 5);
    CHECK(shape->machine.hotplug);

    const auto other = shape_of(claimed(R"({"cpu_count":16,"memory_size":68719476736,
      "qemu_single_pass_add_pages":true,"pic":true,"hotplug_off":true,"num_gpus":1,
      "pci_hole64_size":17592186044416,"num_nics":2,"num_verity_volumes":3})"));
    REQUIRE(other);
    CHECK(other->machine.qemu == assumed_qemu);
    CHECK(other->pages == PageOrder::two_pass);
    CHECK(other->machine.pic);
    CHECK(!other->machine.hotplug);
    CHECK(other->machine.gpus == 1);
    CHECK(other->machine.slots == 9);
    CHECK(other->machine.pci_hole64 == std::uint64_t{1} << 44U);
  }

  TEST_CASE("huge pages put memory on nodes, and GPUs behind their expanders")
  {
    VmConfig config;
    config.cpus = 4;
    config.memory_bytes = 5 * gib;
    config.gpus = 3;
    config.numa_nodes = 2;
    const auto shape = shape_of(config);
    REQUIRE(shape);
    CHECK(shape->machine.memory_bytes == 6 * gib);
    REQUIRE(shape->machine.nodes.size() == 2);
    CHECK(shape->machine.nodes[0].memory_bytes == 3 * gib);
    CHECK(shape->machine.nodes[0].expander_bus == std::uint8_t{5});
    CHECK(shape->machine.nodes[1].expander_bus == std::uint8_t{8});
    config.node_gpus = {1, 2};
    CHECK(shape_of(config)->machine.nodes[1].expander_bus == std::uint8_t{7});
    CHECK(node_gpus_of(shape_of(config)->machine) == std::vector<std::uint32_t>{1, 2});
    config.node_gpus = {0, 3}; // a node without GPUs has no expander
    CHECK(!shape_of(config)->machine.nodes[0].expander_bus);
    CHECK(shape_of(config)->machine.nodes[1].expander_bus == std::uint8_t{5});
    CHECK(node_gpus_of(shape_of(config)->machine) == std::vector<std::uint32_t>{0, 3});
    config.node_gpus = {2, 2};
    CHECK(shape_of(config).error().message() == "4 GPUs on 2 nodes (want 3 on 2)");
    config.node_gpus.clear();
    config.numa_nodes = max_numa_nodes + 1;
    CHECK(!shape_of(config));
    config.numa_nodes = 1;
    config.gpus = 400;
    CHECK(!shape_of(config));
  }

  TEST_CASE("claims that describe no VM, or none that can be predicted, are refused")
  {
    CHECK(refusal("{}") == "vm_config without cpu_count or memory_size");
    CHECK(refusal(R"({"cpu_count":1,"memory_size":9223372036854775807})")
              .starts_with("vm_config with"));
    CHECK(refusal(R"({"cpu_count":4097,"memory_size":1})") == "'cpu_count' is 4097");
    CHECK(refusal(R"({"cpu_count":1,"memory_size":1,"qemu_version":"10.1.0-rc1"})")
              .starts_with("qemu_version: "));
    CHECK(refusal(R"({"cpu_count":1,"memory_size":1,"swtpm":true})") ==
          "a VM with a software TPM cannot be predicted");
    CHECK(refusal(R"({"cpu_count":1,"memory_size":1,"pic":"yes"})").starts_with("'pic': "));
    CHECK(refusal(R"({"cpu_count":1,"memory_size":1,"numa_node_gpus":[1]})") ==
          "'numa_node_gpus' of 1 nodes");
    CHECK(refusal(R"({"cpu_count":1,"memory_size":1,"hugepages":true,"numa_node_gpus":[]})") ==
          "'numa_node_gpus' of 0 nodes");
    CHECK(refusal(R"({"cpu_count":1,"memory_size":1,"hugepages":true,"numa_node_gpus":[4097]})") ==
          "'numa_node_gpus' has 4097");
    VmConfig old;
    old.qemu = QemuVersion{10, 1, 0};
    CHECK(shape_of(old)->header == KernelHeader::written_by_qemu);
    old.kernel_source = KernelSource::named_file;
    CHECK(shape_of(old)->header == KernelHeader::as_in_file);
    old.header = KernelHeader::written_by_qemu;
    CHECK(shape_of(old)->header == KernelHeader::written_by_qemu);
    old.qemu = QemuVersion{7, 2, 0};
    CHECK(shape_of(old).error().code() == Errc::unsupported);
  }

  TEST_CASE("every input can be set by its name, and says what it wants")
  {
    VmConfig config;
    for (const Input& input : inputs()) {
      const std::string_view value = input.value.starts_with("on")   ? "off"
                                     : input.value == "SIZE"         ? "3G"
                                     : input.name == "qemu"          ? "9.2.1"
                                     : input.name == "kernel-header" ? "file"
                                                                     : "1";
      const auto done = set_input(config, input.name, value);
      CHECK_MESSAGE(done, (done ? "" : done.error().message()));
      CHECK(set_input(config, input.name, "?").error().code() == Errc::usage);
    }
    CHECK(config.memory_bytes == 3 * gib);
    CHECK(config.qemu == QemuVersion{9, 2, 1});
    CHECK(config.pages == PageOrder::single_pass);
    CHECK(config.header == KernelHeader::as_in_file);
    CHECK(set_input(config, "cpus", "0").error().message() == "cpus: 0 (want 1 to 4096)");
    CHECK(set_input(config, "colour", "1")
              .error()
              .message()
              .starts_with("there is no input 'colour'"));
  }

  TEST_CASE("a matrix is every combination, the last axis fastest")
  {
    const auto cpus = parse_axis("cpus=1,2");
    const auto memory = parse_axis("memory=2G,4G");
    REQUIRE(cpus);
    REQUIRE(memory);
    const auto rows = combinations({*cpus, *memory});
    REQUIRE(rows);
    CHECK(*rows == std::vector<std::vector<std::string>>{
                       {"1", "2G"}, {"1", "4G"}, {"2", "2G"}, {"2", "4G"}});
    CHECK(!parse_axis("cpus"));
    CHECK(!parse_axis("cpus="));
    CHECK(!parse_axis("cpus=1,"));
    CHECK(!parse_axis("colour=1"));
    Axis big{"cpus", std::vector<std::string>(1000, "1")};
    CHECK(combinations({big, big}).error().code() == Errc::usage);
  }

  TEST_CASE("options say a shape again, without what QEMU does anyway")
  {
    CHECK(option_words(usual_shape({8, 2, 2}, 2, 2 * gib)) ==
          std::vector<std::string>{"--qemu", "8.2.2", "--cpus", "2", "--memory", "2G"});
    VmConfig config;
    TdxShape shape = usual_shape({9, 1, 0}, 2, 2049 * (gib / 1024));
    shape.pages = PageOrder::two_pass;
    shape.machine.pic = true;
    shape.machine.hotplug = false;
    shape.machine.slots = 7;
    shape.machine.pci_hole64 = std::uint64_t{1} << 44U;
    shape.header = KernelHeader::as_in_file;
    const auto words = option_words(shape);
    for (std::size_t i = 0; i < words.size(); i += 2)
      CHECK(set_input(config, words[i].substr(2), words[i + 1]));
    CHECK(differences(shape, *shape_of(config)).empty());
    config = {};
    config.gpus = 3;
    config.numa_nodes = 2;
    config.node_gpus = {1, 2};
    const TdxShape uneven = *shape_of(config);
    CHECK(option_words(uneven).back() == "1+2");
    CHECK(set_input(config, "gpus", "3"));
    CHECK(option_words(*shape_of(config)).back() == "2"); // spread evenly: "--numa-nodes 2" says it
    CHECK(differences(uneven, *shape_of(config)) ==
          std::vector<Difference>{{"node-gpus", "1+2", "2+1"}});
    CHECK(set_input(config, "node-gpus", "1+2"));
    CHECK(differences(uneven, *shape_of(config)).empty());
    CHECK(exact_size(2049 * (gib / 1024)) == "2049M");
    CHECK(exact_size(0) == "0");
    CHECK(exact_size(1023) == "1023");
  }

  TEST_CASE("the search shows machines with fewer changes first, and ends when told")
  {
    const AcpiShape stated = usual_shape({9, 1, 0}, 2, 2 * gib).machine;
    std::size_t seen = 0;
    std::size_t fewest = 0;
    const bool taken = search_shapes({stated}, MemoryIs::unknown, [&](const AcpiShape& machine) {
      TdxShape a;
      TdxShape b;
      a.machine = stated;
      b.machine = machine;
      const std::size_t changes = differences(a, b).size();
      if (seen == 0) CHECK(changes == 0);
      fewest = std::max(fewest, changes);
      return ++seen == 200;
    });
    CHECK(taken);
    CHECK(seen == 200);
    CHECK(fewest <= 2); // a version brings its 8259 along
    std::size_t all = 0;
    CHECK(!search_shapes({stated}, MemoryIs::known, [&](const AcpiShape&) {
      ++all;
      return false;
    }));
    CHECK(all > 5'000);
    CHECK(all < 40'000);
  }
}

} // namespace dstack::measure
