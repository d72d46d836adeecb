#include "probe/placement.hpp"

#include <doctest/doctest.h>

namespace dstack::probe {

namespace {

/// A host of two NUMA nodes with a GPU on each and a switch; gone with the value.
class Host {
public:
  Host()
  {
    file("sys/devices/system/node/node0/cpulist", "0-3,8-11\n");
    file("sys/devices/system/node/node1/cpulist", "4-7,12-15\n");
    file("sys/bus/pci/devices/0000:17:00.0/numa_node", "0\n");
    file("sys/bus/pci/devices/0000:9a:00.0/numa_node", "1\n");
    file("sys/bus/pci/devices/0000:07:00.0/numa_node", "-1\n");
  }
  ~Host() { static_cast<void>(sys::remove_tree(root_)); }
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;
  Places places() const { return {root_}; }

private:
  void file(const std::string& path, std::string_view text) const
  {
    REQUIRE(sys::make_directories((root_ / path).parent_path(), sys::Privacy::shared));
    REQUIRE(sys::write_file_atomic(root_ / path, as_bytes(text), sys::Privacy::shared));
  }
  sys::fs::path root_ = *sys::make_temp_directory(sys::fs::temp_directory_path(), "dstack-place");
};

store::VmSpec vm_named(const std::string& id)
{
  store::VmSpec spec;
  spec.id = id;
  return spec;
}

} // namespace

TEST_SUITE("probe::placed_machine")
{
  TEST_CASE("without wishes a VM has one user network and ordinary memory")
  {
    const Host host;
    store::VmSpec spec = vm_named("vm-123");
    spec.tee = store::Tee::tdx;
    spec.cpus = 3;
    spec.bundle = "bundle.tar";
    spec.ports = {{vm::Protocol::tcp, "127.0.0.1", 8080, 80}};
    const auto machine = placed_machine(spec, host.places());
    REQUIRE(machine);
    CHECK(machine->confidential == vm::Confidential::tdx);
    CHECK(machine->cpus == 3);
    CHECK(machine->memory_bytes == spec.memory_bytes);
    CHECK(machine->bundle == "bundle.tar");
    CHECK(machine->forwards == spec.ports);
    REQUIRE(machine->networks.size() == 1);
    CHECK(machine->networks[0].mode == vm::NetworkMode::user);
    CHECK(machine->networks[0].mac == "96:b1:d8:b9:08:e6"); // vectors of spec host 1.14
    CHECK(mac_of(spec, 1) == "c6:74:2c:65:14:b9");
    CHECK(machine->hugepage_nodes.empty());
    CHECK_FALSE(machine->memory_node);
    CHECK(pinned_cpus(spec, host.places())->empty());
  }

  TEST_CASE("huge pages come from the nodes of the GPUs, in order")
  {
    const Host host;
    store::VmSpec spec = vm_named("vm-123");
    spec.placement.hugepages = true;
    CHECK(placed_machine(spec, host.places())->hugepage_nodes == std::vector<std::uint32_t>{0});
    spec.placement.gpus = {"0000:9a:00.0", "0000:17:00.0"};
    spec.placement.nvswitches = {"0000:07:00.0"};
    const auto machine = placed_machine(spec, host.places());
    REQUIRE(machine);
    CHECK(machine->hugepage_nodes == std::vector<std::uint32_t>{0, 1});
    CHECK(machine->gpus[0].host_node == 1);
    CHECK(machine->gpus[1].host_node == 0);
    CHECK(machine->nvswitches[0].host_node == 0);
    spec.placement.gpus = {"0000:18:00.0"};
    CHECK(placed_machine(spec, host.places()).error().code() == Errc::not_found);
  }

  TEST_CASE("pinning takes CPUs and memory of the first GPU's node")
  {
    const Host host;
    store::VmSpec spec = vm_named("vm-123");
    spec.placement.pin_numa = true;
    CHECK(placed_machine(spec, host.places())->memory_node == 0U);
    CHECK(*pinned_cpus(spec, host.places()) == "0-3,8-11");
    spec.placement.gpus = {"0000:9a:00.0"};
    CHECK(placed_machine(spec, host.places())->memory_node == 1U);
    CHECK(*pinned_cpus(spec, host.places()) == "4-7,12-15");
    spec.placement.hugepages = true;
    const auto machine = placed_machine(spec, host.places());
    REQUIRE(machine);
    CHECK_FALSE(machine->memory_node); // its huge pages are of that node already
    CHECK(machine->hugepage_nodes == std::vector<std::uint32_t>{1});
  }
}

} // namespace dstack::probe
