#include "vm/command_line.hpp"

#include "base/text.hpp"
#include "codec/json.hpp"
#include "vm/arguments.hpp"

#include <algorithm>
#include <array>

namespace dstack::vm {

namespace {

constexpr std::array modes{std::pair{NetworkMode::user, std::string_view{"user"}},
                           std::pair{NetworkMode::bridge, std::string_view{"bridge"}},
                           std::pair{NetworkMode::tap, std::string_view{"tap"}}};

/// Under SEV-SNP devices must go through the IOMMU interface, for the guest's memory is private.
std::string_view device_suffix(const MachineSpec& spec)
{
  return spec.confidential == Confidential::snp ? ",disable-legacy=on,iommu_platform=true" : "";
}

std::string_view cpu_model(const MachineSpec& spec)
{
  if (spec.confidential == Confidential::snp) return "EPYC-v4";
  return spec.accelerator == Accelerator::kvm ? "host" : "max";
}

void add_processor(Args& args, const MachineSpec& spec)
{
  const bool kvm = spec.accelerator == Accelerator::kvm;
  // One translation thread: with several, QEMU before 8.1 races with a kernel that patches its own
  // code, and about one boot in ten panics. Measured cost: a deploy of 27 s takes 31 s.
  add(args, {"-accel", kvm ? "kvm" : "tcg,thread=single", "-cpu",
             fmt::format("{}{}", cpu_model(spec), spec.cpu_features)});
  add(args, {"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"});
}

void add_consoles(Args& args, const MachineSpec& spec)
{
  // Appending lets the supervisor cut the file while QEMU has it open.
  add(args, {"-chardev", fmt::format("file,id=com0,path={},append=on", escaped(spec.console_log)),
             "-serial", "chardev:com0"});
  add(args, {"-qmp", fmt::format("unix:{},server=on,wait=off", escaped(spec.qmp_socket))});
}

enum class Access { read_write, read_only };

void add_disk(Args& args,
              const MachineSpec& spec,
              std::string_view id,
              std::string_view path,
              Access access,
              std::string_view serial)
{
  const bool writable = access == Access::read_write;
  add(args, {"-drive", fmt::format("file={},if=none,id={},format=raw,{}", escaped(path), id,
                                   writable ? "discard=unmap" : "readonly=on")});
  std::string device = fmt::format("virtio-blk-pci,drive={}", id);
  if (!serial.empty()) device += fmt::format(",serial={}", serial);
  device += device_suffix(spec);
  add(args, {"-device", device});
}

std::string netdev(const MachineSpec& spec, const NetworkDevice& device, std::size_t number)
{
  switch (device.mode) {
  case NetworkMode::user:
    break;
  case NetworkMode::bridge:
    return fmt::format("bridge,id=net{},br={}", number, device.host_device);
  case NetworkMode::tap:
    return fmt::format("tap,id=net{},ifname={},script=no,downscript=no,vhost=off", number,
                       device.host_device);
  }
  std::string out = fmt::format("user,id=net{},net={},dhcpstart={},restrict=no", number,
                                user_network, user_network_guest);
  if (first_user_device(spec) != number) return out;
  for (const PortForward& forward : spec.forwards)
    out += fmt::format(",hostfwd={}:{}:{}-:{}", name_of(forward.protocol), forward.host_address,
                       forward.host_port, forward.vm_port);
  return out;
}

void add_networks(Args& args, const MachineSpec& spec)
{
  for (std::size_t i = 0; i < spec.networks.size(); ++i) {
    const NetworkDevice& network = spec.networks[i];
    std::string device = fmt::format("virtio-net-pci,netdev=net{}", i);
    if (!network.mac.empty()) device += ",mac=" + network.mac;
    // The boot ROM is measured on real hardware; elsewhere it only costs time.
    if (spec.confidential == Confidential::none) device += ",romfile=";
    device += device_suffix(spec);
    add(args, {"-netdev", netdev(spec, network, i), "-device", device});
  }
}

void add_channel(Args& args, const MachineSpec& spec)
{
  if (spec.channel == ChannelKind::vsock) {
    add(args, {"-device",
               fmt::format("vhost-vsock-pci,guest-cid={}{}", spec.guest_cid, device_suffix(spec))});
    return;
  }
  add(args, {"-chardev", fmt::format("socket,id=channel0,path={},server=on,wait=off",
                                     escaped(spec.channel_socket))});
  add(args, {"-device", fmt::format("virtio-serial-pci,id=serial0{}", device_suffix(spec))});
  add(args, {"-device", fmt::format("virtserialport,bus=serial0.0,chardev=channel0,name={}",
                                    channel_port_name)});
}

void add_random(Args& args)
{
  add(args, {"-object", "rng-builtin,id=rng0", "-device", "virtio-rng-pci,rng=rng0"});
}

std::string tdx_object(const TdxSpec& tdx)
{
  codec::Json object;
  object.set("qom-type", "tdx-guest").set("id", "tdx");
  if (!tdx.mr_config_id.empty()) object.set("mrconfigid", base64(tdx.mr_config_id));
  if (tdx.quote_port) {
    codec::Json address;
    address.set("type", "vsock").set("cid", "2").set("port", fmt::format("{}", *tdx.quote_port));
    object.set("quote-generation-socket", std::move(address));
  }
  return codec::write_json(object);
}

void add_snp_object(Args& args, const MachineSpec& spec)
{
  add(args, {"-object",
             fmt::format(
                 "sev-snp-guest,id=sev0,policy=0x30000,sev-device=/dev/sev,kernel-hashes=on,"
                 "host-data={},cbitpos={},reduced-phys-bits={}",
                 base64(spec.snp.host_data), spec.snp.c_bit_position, spec.snp.reduced_phys_bits)});
}

void add_machine(Args& args, const MachineSpec& spec)
{
  std::string machine = "q35,kernel-irqchip=split";
  switch (spec.confidential) {
  case Confidential::none:
    break;
  case Confidential::tdx:
    machine += ",confidential-guest-support=tdx";
    break;
  case Confidential::snp:
    add_snp_object(args, spec);
    machine += ",confidential-guest-support=sev0";
    break;
  }
  machine += memory_of_machine(spec);
  add(args, {"-machine", machine + ",hpet=off"});
  if (spec.confidential == Confidential::tdx) add(args, {"-object", tdx_object(spec.tdx)});
}

bool has_random_device(const MachineSpec& spec)
{
  return spec.confidential == Confidential::none;
}

} // namespace

std::string_view name_of(Protocol protocol)
{
  return protocol == Protocol::tcp ? "tcp" : "udp";
}

Result<Protocol> parse_protocol(std::string_view name)
{
  if (name == "tcp") return Protocol::tcp;
  if (name == "udp") return Protocol::udp;
  return fail(Errc::malformed, "protocol '{}' (want tcp or udp)", printable(name));
}

std::string_view name_of(NetworkMode mode)
{
  const auto* at =
      std::find_if(modes.begin(), modes.end(), [&](const auto& one) { return one.first == mode; });
  return at == modes.end() ? "" : at->second;
}

Result<NetworkMode> parse_network_mode(std::string_view name)
{
  for (const auto& [mode, known] : modes)
    if (known == name) return mode;
  return fail(Errc::malformed, "network '{}' (want user, bridge or tap)", printable(name));
}

Result<std::vector<std::string>> qemu_arguments(const MachineSpec& spec)
{
  TRY(check_machine(spec));
  // The order of devices decides their PCI slots, which the firmware measures: never reorder.
  Args args;
  add_processor(args, spec);
  add_consoles(args, spec);
  if (!spec.firmware.empty()) add(args, {"-bios", spec.firmware});
  add(args, {"-kernel", spec.kernel, "-initrd", spec.initrd});
  add_bus_settings(args, spec);
  add_disk(args, spec, "hd0", spec.root_disk, Access::read_only, "");
  add_disk(args, spec, "hd1", spec.data_disk, Access::read_write, "");
  add_networks(args, spec);
  add_channel(args, spec);
  add_disk(args, spec, "hd2", spec.share_disk, Access::read_only, "");
  if (!spec.bundle.empty())
    add_disk(args, spec, "hd3", spec.bundle, Access::read_only, bundle_disk_serial);
  // A host's randomness is worth nothing to a confidential guest, whose processor gives it; without
  // the device the bus looks as verifiers of the ecosystem expect (spec host 5.5.6).
  if (has_random_device(spec)) add_random(args);
  add_memory(args, spec);
  add_machine(args, spec);
  add_passed_devices(args, spec);
  add(args, {"-smp", fmt::format("{}", spec.cpus)});
  add(args, {"-m", fmt::format("{}M", spec.memory_bytes / mebibyte), "-append", spec.cmdline});
  return args;
}

MachineShape machine_shape(const MachineSpec& spec)
{
  MachineShape out;
  out.cpus = spec.cpus;
  out.memory_bytes = spec.memory_bytes;
  constexpr std::uint32_t disks_and_channel = 4;
  out.networks = static_cast<std::uint32_t>(spec.networks.size());
  out.further_disks = spec.bundle.empty() ? 0 : 1;
  const std::uint32_t random = has_random_device(spec) ? 1 : 0;
  out.slots = disks_and_channel + out.further_disks + out.networks + random;
  out.gpus = static_cast<std::uint32_t>(spec.gpus.size());
  out.nvswitches = static_cast<std::uint32_t>(spec.nvswitches.size());
  out.numa_nodes = static_cast<std::uint32_t>(spec.hugepage_nodes.size());
  out.expanders = expander_buses(spec);
  out.pci_hole64_bytes = spec.pci_hole64_bytes;
  out.pci_hotplug = spec.pci_hotplug;
  return out;
}

std::string mac_address(const std::array<std::uint8_t, 6>& hash)
{
  const unsigned first = (hash[0] & 0xfeU) | 0x02U;
  return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", first, hash[1], hash[2], hash[3],
                     hash[4], hash[5]);
}

} // namespace dstack::vm
