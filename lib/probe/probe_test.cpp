#include "probe/probe.hpp"

#include <doctest/doctest.h>

namespace dstack::probe {

namespace {

/// A made-up /proc and /sys; gone with the value.
class Machine {
public:
  ~Machine() { static_cast<void>(sys::remove_tree(root_)); }
  Machine() = default;
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  void file(const std::string& path, std::string_view text) const
  {
    REQUIRE(sys::make_directories((root_ / path).parent_path(), sys::Privacy::shared));
    REQUIRE(sys::write_file_atomic(root_ / path, as_bytes(text), sys::Privacy::shared));
  }
  void link(const std::string& path, const std::string& target) const
  {
    sys::fs::create_directories((root_ / path).parent_path());
    sys::fs::create_symlink(target, root_ / path);
  }
  void pci(const std::string& slot, std::string_view kind, std::string_view node) const
  {
    const std::string device = "sys/bus/pci/devices/" + slot;
    file(device + "/vendor", "0x10de\n");
    file(device + "/device", "0x2335\n");
    file(device + "/class", kind);
    file(device + "/numa_node", node);
    link(device + "/driver", "../../../bus/pci/drivers/vfio-pci");
    link(device + "/iommu_group", "../../../kernel/iommu_groups/36");
  }
  Places places() const { return {root_}; }
  host::Facts facts() const
  {
    codec::Json out = empty_document();
    add_kernel(places(), out);
    add_processor(places(), out);
    add_devices(places(), out);
    add_memory(places(), out);
    add_pci(places(), out);
    auto facts = host::Facts::from_json(std::move(out));
    REQUIRE(facts);
    return *std::move(facts);
  }

private:
  static codec::Json empty_document() { return codec::Json{}.set("schema", host::facts_schema); }
  sys::fs::path root_ = *sys::make_temp_directory(sys::fs::temp_directory_path(), "dstack-probe");
};

} // namespace

TEST_SUITE("probe")
{
  TEST_CASE("an Intel machine is read from /proc and /sys")
  {
    const Machine machine;
    machine.file("proc/cpuinfo", "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\n"
                                 "model\t\t: 207\nmodel name\t: INTEL(R) XEON(R) PLATINUM 8568Y+\n"
                                 "flags\t\t: fpu vmx tme tdx_host_platform\n\nprocessor\t: 1\n");
    machine.file("sys/module/kvm_intel/parameters/tdx", "Y\n");
    machine.file("sys/fs/cgroup/misc.capacity", "sev 0\ntdx 31\n");
    machine.file("sys/devices/faux/tdx_host/version", "1.5.24\n");
    machine.file("sys/power/disk", "[disabled]\n");
    const host::Facts facts = machine.facts();
    CHECK(facts.text("cpu.vendor") == "GenuineIntel");
    CHECK(facts.text("cpu.model") == "INTEL(R) XEON(R) PLATINUM 8568Y+");
    CHECK(facts.number("cpu.model_number") == 207U);
    CHECK(facts.number("cpu.count") == 2U);
    CHECK(facts.texts("cpu.flags") == std::vector<std::string>{"vmx", "tme", "tdx_host_platform"});
    CHECK(facts.text("kvm_intel.tdx") == "Y");
    CHECK(facts.flag("kvm_intel.loaded") == true);
    CHECK(facts.flag("kvm_amd.loaded") == false);
    CHECK(facts.number("misc_cgroup.tdx") == 31U);
    CHECK(facts.text("tdx_module.version") == "1.5.24");
    CHECK(facts.text("kernel.hibernation") == "[disabled]");
    CHECK(facts.text("msr.error").find("No such file") != std::string::npos);
    CHECK(facts.flag("kvm.opens") == false);
    CHECK(facts.flag("sgx.enclave") == false);
  }

  TEST_CASE("nodes, huge pages, GPUs and bridges")
  {
    const Machine machine;
    const std::string node = "sys/devices/system/node/node1/";
    machine.file("sys/devices/system/node/online", "1\n");
    machine.file(node + "cpulist", "32-63\n");
    machine.file(node + "meminfo", "Node 1 MemTotal:       2048 kB\nNode 1 MemFree: 5 kB\n");
    machine.file(node + "hugepages/hugepages-1048576kB/nr_hugepages", "8\n");
    machine.file(node + "hugepages/hugepages-1048576kB/free_hugepages", "3\n");
    machine.file("proc/meminfo", "MemTotal:  4096 kB\nMemFree: 1 kB\nMemAvailable: 1024 kB\n");
    machine.pci("0000:18:00.0", "0x030200\n", "1\n");
    machine.pci("0000:07:00.0", "0x068000\n", "-1\n");
    machine.pci("0000:01:00.0", "0x020000\n", "0\n");
    machine.file("sys/class/net/br0/bridge/bridge_id", "8000\n");
    machine.file("sys/class/net/eth0/address", "02:00:00:00:00:00\n");
    machine.file("sys/kernel/iommu_groups/36/type", "DMA\n");
    const host::Facts facts = machine.facts();
    CHECK(facts.number("memory.total_bytes") == 4096U * 1024);
    CHECK(facts.number("memory.available_bytes") == 1024U * 1024);
    const auto nodes = host::numa_nodes(facts);
    REQUIRE(nodes.size() == 1);
    CHECK(nodes[0].number == 1);
    CHECK(nodes[0].cpus == "32-63");
    CHECK(nodes[0].memory_bytes == 2048U * 1024);
    REQUIRE(nodes[0].pages.size() == 1);
    CHECK(nodes[0].pages[0].page_kib == 1048576);
    CHECK(nodes[0].pages[0].free == 3);
    const auto all = host::gpus(facts);
    REQUIRE(all.size() == 2);
    CHECK(all[0].slot == "0000:07:00.0");
    CHECK(all[0].is_switch);
    CHECK(all[0].numa_node == 0);
    CHECK_FALSE(all[1].is_switch);
    CHECK(all[1].driver == "vfio-pci");
    CHECK(all[1].iommu_group == "36");
    CHECK(*pci_node(machine.places(), "0000:18:00.0") == 1);
    CHECK_FALSE(pci_node(machine.places(), "0000:19:00.0"));
    CHECK(*node_cpus(machine.places(), 1) == "32-63");
    CHECK(node_cpus(machine.places(), 0).error().code() == Errc::not_found);
    CHECK(facts.texts("bridges") == std::vector<std::string>{"br0"});
    CHECK(facts.number("iommu.groups") == 1U);
  }

  TEST_CASE("QEMU's own words are understood")
  {
    CHECK(parse_object_names("List of user creatable objects:\n  iommufd\n  tdx-guest\n\n") ==
          std::vector<std::string>{"iommufd", "tdx-guest"});
    const auto told = parse_sev_capabilities(
        "{\"QMP\": {\"version\": {}, \"capabilities\": []}}\r\n{\"return\": {}}\r\n"
        "{\"return\": {\"reduced-phys-bits\": 1, \"cbitpos\": 51, \"cert-chain\": \"AA==\"}}\r\n");
    REQUIRE(told);
    CHECK(told->c_bit_position == 51);
    CHECK(told->reduced_phys_bits == 1);
    const auto refused = parse_sev_capabilities(
        "{\"QMP\": {}}\n{\"return\": {}}\n"
        "{\"error\": {\"class\": \"GenericError\", \"desc\": \"SEV is not enabled in KVM\"}}\n");
    CHECK(refused.error().message() == "SEV is not enabled in KVM");
    CHECK_FALSE(parse_sev_capabilities(""));
    CHECK_FALSE(parse_sev_capabilities("{\"return\": {\"cbitpos\": 99, \"reduced-phys-bits\": 1}}"));
  }
}

} // namespace dstack::probe
