#include "vm/command_line.hpp"

#include <algorithm>
#include <cstdlib>
#include <doctest/doctest.h>
#include <fstream>
#include <sstream>

namespace dstack::vm {

namespace {

MachineSpec machine()
{
  MachineSpec spec;
  spec.cpus = 2;
  spec.memory_bytes = std::uint64_t{2} << 30U;
  spec.firmware = "/images/dstack-0.1.0/ovmf.fd";
  spec.kernel = "/images/dstack-0.1.0/bzImage";
  spec.initrd = "/images/dstack-0.1.0/initramfs.cpio.gz";
  spec.cmdline = "console=ttyS0 init=/init panic=1 dstack.rootfs_size=4096";
  spec.root_disk = "/images/dstack-0.1.0/rootfs.img.parted.verity";
  spec.data_disk = "data.img";
  spec.share_disk = "share.img";
  spec.console_log = "console.log";
  spec.qmp_socket = "qmp.sock";
  spec.channel_socket = "channel.sock";
  spec.networks = {{NetworkMode::user, "", "96:b1:d8:b9:08:e6"}};
  return spec;
}

MachineSpec confidential(Confidential kind)
{
  MachineSpec spec = machine();
  spec.accelerator = Accelerator::kvm;
  spec.confidential = kind;
  return spec;
}

/// One argument per line, as in tests/vectors/vm; DSTACK_ACCEPT=1 rewrites the files.
void check_golden(const MachineSpec& spec, const std::string& name)
{
  CAPTURE(name);
  const auto arguments = qemu_arguments(spec);
  REQUIRE(arguments);
  std::string got;
  for (const std::string& argument : *arguments)
    got += argument + "\n";
  const std::string path = DSTACK_SOURCE_DIR "/tests/vectors/vm/" + name + ".args";
  if (std::getenv("DSTACK_ACCEPT") != nullptr) std::ofstream{path} << got;
  std::ifstream file{path};
  std::ostringstream want;
  want << file.rdbuf();
  CHECK(got == want.str());
}

std::string refusal(const MachineSpec& spec)
{
  const auto arguments = qemu_arguments(spec);
  return arguments ? "accepted" : arguments.error().message();
}

} // namespace

TEST_SUITE("vm::qemu_arguments")
{
  TEST_CASE("golden command lines")
  {
    MachineSpec sim = machine();
    sim.cpu_features = ",-avx,-avx2";
    sim.bundle = "bundle.tar";
    sim.forwards = {{Protocol::tcp, "127.0.0.1", 8080, 80}, {Protocol::udp, "0.0.0.0", 5353, 53}};
    check_golden(sim, "sim-tcg");

    MachineSpec kvm = machine();
    kvm.accelerator = Accelerator::kvm;
    kvm.channel = ChannelKind::vsock;
    kvm.guest_cid = 4711;
    kvm.data_disk = "/state/a,b/data.img";
    check_golden(kvm, "sim-kvm-vsock");

    MachineSpec tdx = confidential(Confidential::tdx);
    tdx.tdx.mr_config_id =
        *parse_base64("AZCF+glIycq6G737fauy31mwGAvnL7EdLzogXc8gp2YfAAAAAAAAAAAAAAAAAAAA");
    tdx.tdx.quote_port = 4050;
    check_golden(tdx, "tdx");

    MachineSpec snp = confidential(Confidential::snp);
    snp.snp = {Bytes(32, 0xa5), 51, 1};
    check_golden(snp, "snp");
    snp.memory_node = 1;
    snp.channel = ChannelKind::vsock;
    snp.guest_cid = 1000;
    check_golden(snp, "snp-node-vsock");
  }

  TEST_CASE("golden command lines of what the host gives")
  {
    // The devices of spec host A.3, so that its verifiers find the slots they count on.
    MachineSpec tdx = confidential(Confidential::tdx);
    tdx.tdx.quote_port = 4050;
    tdx.channel = ChannelKind::vsock;
    tdx.guest_cid = 1000;
    tdx.forwards = {{Protocol::tcp, "127.0.0.1", 8080, 80}};
    check_golden(tdx, "tdx-vsock");

    MachineSpec networks = tdx;
    networks.networks = {{NetworkMode::user, "", "96:b1:d8:b9:08:e6"},
                         {NetworkMode::bridge, "br0", "c6:74:2c:65:14:b9"},
                         {NetworkMode::tap, "dtfecd92d1732c", "96:34:c8:11:ed:72"}};
    check_golden(networks, "tdx-networks");

    MachineSpec pinned = tdx;
    pinned.memory_node = 1;
    pinned.bundle = "bundle.tar";
    check_golden(pinned, "tdx-node");

    MachineSpec huge = tdx;
    huge.hugepage_nodes = {0};
    check_golden(huge, "tdx-hugepages");

    MachineSpec gpu = tdx;
    gpu.gpus = {{"0000:17:00.0", 0}};
    gpu.nvswitches = {{"0000:07:00.0", 0}};
    gpu.pci_hole64_bytes = std::uint64_t{8} << 40U;
    gpu.pci_hotplug = false;
    check_golden(gpu, "tdx-gpu");

    MachineSpec nodes = gpu;
    nodes.cpus = 8;
    nodes.memory_bytes = std::uint64_t{16} << 30U;
    nodes.hugepage_nodes = {0, 1};
    nodes.gpus = {{"0000:17:00.0", 0}, {"0000:3d:00.0", 0}, {"0000:9a:00.0", 1}};
    check_golden(nodes, "tdx-gpus-hugepages");
  }

  TEST_CASE("the shape that is measured counts what is on the bus")
  {
    MachineSpec spec = confidential(Confidential::tdx);
    spec.channel = ChannelKind::vsock;
    spec.guest_cid = 1000;
    CHECK(machine_shape(spec).slots == 5); // as verifiers of the ecosystem count (5.5.6)
    CHECK(machine_shape(spec).expanders.empty());
    CHECK(machine_shape(machine()).slots == 6); // a simulated VM has a random device, too
    spec.bundle = "bundle.tar";
    spec.networks.push_back({NetworkMode::bridge, "br0", ""});
    CHECK(machine_shape(spec).slots == 7);
    spec.gpus = {{"0000:17:00.0", 0}, {"0000:3d:00.0", 2}, {"0000:9a:00.0", 2}};
    spec.nvswitches = {{"0000:07:00.0", 0}};
    spec.cpus = 8;
    spec.memory_bytes = std::uint64_t{16} << 30U;
    spec.hugepage_nodes = {0, 2};
    spec.pci_hotplug = false;
    spec.pci_hole64_bytes = 1U << 30U;
    const MachineShape shape = machine_shape(spec);
    CHECK(shape.slots == 7); // root ports and expanders are counted apart
    CHECK(shape.cpus == 8);
    CHECK(shape.memory_bytes == std::uint64_t{16} << 30U);
    CHECK(shape.gpus == 3);
    CHECK(shape.nvswitches == 1);
    CHECK(shape.numa_nodes == 2);
    CHECK(shape.expanders == std::vector<ExpanderBus>{{0, 5, 1}, {1, 7, 2}});
    CHECK_FALSE(shape.pci_hotplug);
    CHECK(shape.pci_hole64_bytes == 1U << 30U);
    const auto arguments = *qemu_arguments(spec);
    const auto counted = [&](std::string_view kind) {
      return std::count_if(arguments.begin(), arguments.end(), [&](const std::string& argument) {
        return argument.starts_with(kind);
      });
    };
    CHECK(counted("virtio-blk-pci,") + counted("virtio-net-pci,") + counted("vhost-vsock-pci,") ==
          7);
    CHECK(counted("pcie-root-port,") == 4);
    CHECK(counted("pxb-pcie,") == 2);
  }

  TEST_CASE("memory, CPUs and devices that do not fit the nodes are refused")
  {
    MachineSpec good = confidential(Confidential::tdx);
    good.cpus = 4;
    good.memory_bytes = std::uint64_t{4} << 30U;
    good.hugepage_nodes = {0, 1};
    CHECK(refusal(good) == "accepted");
    MachineSpec spec = good;
    spec.memory_bytes = std::uint64_t{3} << 30U;
    CHECK(refusal(spec) == "3G of huge pages on 2 NUMA nodes (want a multiple of 2G)");
    spec = good;
    spec.cpus = 3;
    CHECK(refusal(spec) == "3 CPUs on 2 NUMA nodes (want a multiple of 2)");
    spec = good;
    spec.hugepage_nodes = {1, 0};
    CHECK(refusal(spec) == "NUMA nodes out of order");
    spec.hugepage_nodes = {1, 1};
    CHECK(refusal(spec) == "NUMA nodes out of order");
    spec = good;
    spec.gpus = {{"0000:17:00.0", 2}};
    CHECK(refusal(spec) == "GPU 0000:17:00.0 is on NUMA node 2, which gives no memory");
    spec = good;
    spec.memory_node = 0;
    CHECK(refusal(spec) != "accepted");
    spec = confidential(Confidential::snp);
    spec.snp.host_data = Bytes(32);
    CHECK(refusal(spec) == "accepted");
    spec.hugepage_nodes = {0};
    CHECK(refusal(spec) == "SEV-SNP VMs take ordinary memory, no huge pages");
    spec = machine();
    spec.networks.assign(11, {NetworkMode::bridge, "br0", ""});
    CHECK(refusal(spec) == "16 devices on the PCI bus (at most 15)");
    spec.networks.assign(2, {});
    CHECK(refusal(spec) == "2 user networks, which are all the same one");
    spec.networks.assign(1, {NetworkMode::bridge, "br0", ""});
    spec.forwards = {{Protocol::tcp, "127.0.0.1", 80, 80}};
    CHECK(refusal(spec).find("forwarded by QEMU's user network alone") != std::string::npos);
    spec = machine();
    spec.networks.clear();
    CHECK(refusal(spec) == "accepted");
  }

  TEST_CASE("names of devices cannot smuggle options")
  {
    for (const char* name : {"", "br0,helper=/tmp/x", "a name", "0123456789abcdef", "..", "br/0"}) {
      CAPTURE(name);
      MachineSpec spec = machine();
      spec.networks = {{NetworkMode::bridge, name, ""}};
      CHECK(refusal(spec) != "accepted");
      spec.networks = {{NetworkMode::tap, name, ""}};
      CHECK(refusal(spec) != "accepted");
    }
    for (const char* slot : {"", "17:00.0", "0000:17:00.0,x=y", "0000:17:00.g", "0000:17-00.0"}) {
      CAPTURE(slot);
      MachineSpec spec = machine();
      spec.gpus = {{slot, 0}};
      CHECK(refusal(spec) != "accepted");
    }
    for (const NetworkMode mode : {NetworkMode::user, NetworkMode::bridge, NetworkMode::tap})
      CHECK(*parse_network_mode(name_of(mode)) == mode);
    CHECK_FALSE(parse_network_mode("macvtap"));
  }

  TEST_CASE("what would boot differently from what was decided is refused")
  {
    MachineSpec tdx = confidential(Confidential::tdx);
    CHECK(refusal(tdx) == "accepted");
    tdx.tdx.mr_config_id = Bytes(47);
    CHECK(refusal(tdx) == "mr_config_id of 47 bytes (want 48)");
    tdx.tdx.mr_config_id = Bytes(49);
    CHECK(refusal(tdx) != "accepted");
    tdx = confidential(Confidential::tdx);
    tdx.accelerator = Accelerator::tcg;
    CHECK(refusal(tdx) == "a confidential VM needs KVM");
    tdx = confidential(Confidential::tdx);
    tdx.firmware.clear();
    CHECK(refusal(tdx) != "accepted");
    MachineSpec snp = confidential(Confidential::snp);
    snp.snp.host_data = Bytes(31);
    CHECK(refusal(snp) != "accepted");
    MachineSpec spec = machine();
    spec.memory_bytes += 1;
    CHECK(refusal(spec) != "accepted");
    spec = machine();
    spec.cpus = 0;
    CHECK(refusal(spec) != "accepted");
    spec = machine();
    spec.channel_socket.clear();
    CHECK(refusal(spec) != "accepted");
    spec = machine();
    spec.channel = ChannelKind::vsock;
    spec.guest_cid = 2;
    CHECK(refusal(spec) != "accepted");
  }

  TEST_CASE("forwards cannot smuggle options")
  {
    for (const char* address : {"", "localhost", "127.0.0.1,hostfwd=tcp::1-:1", "::1", "1.2.3",
                                "1.2.3.256", "01.2.3.4"}) {
      CAPTURE(address);
      MachineSpec spec = machine();
      spec.forwards = {{Protocol::tcp, address, 80, 80}};
      CHECK(refusal(spec) != "accepted");
    }
    MachineSpec spec = machine();
    spec.forwards = {{Protocol::tcp, "127.0.0.1", 0, 80}};
    CHECK(refusal(spec) != "accepted");
  }

  TEST_CASE("the MAC address is locally administered (vector of spec host 1.14)")
  {
    CHECK(mac_address({0x97, 0xb1, 0xd8, 0xb9, 0x08, 0xe6}) == "96:b1:d8:b9:08:e6");
    CHECK(mac_address({0xc4, 0x74, 0x2c, 0x65, 0x14, 0xb9}) == "c6:74:2c:65:14:b9");
  }
}

} // namespace dstack::vm
