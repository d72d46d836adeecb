#include "vm/command_line.hpp"

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
  spec.mac = "96:b1:d8:b9:08:e6";
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
