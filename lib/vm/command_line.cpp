#include "vm/command_line.hpp"

#include "base/address.hpp"
#include "base/text.hpp"
#include "codec/json.hpp"

namespace dstack::vm {

namespace {

constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20U;
constexpr std::size_t mr_config_id_bytes = 48;
constexpr std::size_t snp_host_data_bytes = 32;
constexpr std::uint32_t first_guest_cid = 3; // 0 to 2 have fixed meanings (vsock(7))

using Args = std::vector<std::string>;

/// A value inside a comma-separated QEMU option: a comma in it is written twice.
std::string escaped(std::string_view value)
{
  std::string out;
  for (const char c : value) {
    out += c;
    if (c == ',') out += ',';
  }
  return out;
}

void add(Args& args, std::initializer_list<std::string> more)
{
  args.insert(args.end(), more);
}

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

void add_network(Args& args, const MachineSpec& spec)
{
  std::string netdev =
      fmt::format("user,id=net0,net={},dhcpstart={},restrict=no", user_network, user_network_guest);
  for (const PortForward& forward : spec.forwards)
    netdev += fmt::format(",hostfwd={}:{}:{}-:{}", name_of(forward.protocol), forward.host_address,
                          forward.host_port, forward.vm_port);
  std::string device = "virtio-net-pci,netdev=net0";
  if (!spec.mac.empty()) device += ",mac=" + spec.mac;
  // The boot ROM is measured on real hardware; elsewhere it only costs time.
  if (spec.confidential == Confidential::none) device += ",romfile=";
  device += device_suffix(spec);
  add(args, {"-netdev", netdev, "-device", device});
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

void add_random(Args& args, const MachineSpec& spec)
{
  add(args, {"-object", "rng-builtin,id=rng0", "-device",
             fmt::format("virtio-rng-pci,rng=rng0{}", device_suffix(spec))});
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

void add_snp_objects(Args& args, const MachineSpec& spec)
{
  add(args,
      {"-object", fmt::format("memory-backend-memfd,id=ram1,size={}M,share=true,prealloc=false",
                              spec.memory_bytes / mebibyte)});
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
    add_snp_objects(args, spec);
    machine += ",confidential-guest-support=sev0,memory-backend=ram1";
    break;
  }
  add(args, {"-machine", machine + ",hpet=off"});
  if (spec.confidential == Confidential::tdx) add(args, {"-object", tdx_object(spec.tdx)});
}

Status check_confidential(const MachineSpec& spec)
{
  if (spec.confidential == Confidential::none) return ok();
  if (spec.accelerator != Accelerator::kvm)
    return fail(Errc::config, "a confidential VM needs KVM");
  if (spec.firmware.empty())
    return fail(Errc::config, "a confidential VM needs the firmware of its image");
  const std::size_t id = spec.tdx.mr_config_id.size();
  if (spec.confidential == Confidential::tdx && id != 0 && id != mr_config_id_bytes)
    return fail(Errc::config, "mr_config_id of {} bytes (want {})", id, mr_config_id_bytes);
  const std::size_t data = spec.snp.host_data.size();
  if (spec.confidential == Confidential::snp && data != snp_host_data_bytes)
    return fail(Errc::config, "SEV-SNP host data of {} bytes (want {})", data, snp_host_data_bytes);
  return ok();
}

Status check_paths(const MachineSpec& spec)
{
  const std::pair<std::string_view, const std::string*> needed[] = {
      {"kernel", &spec.kernel},         {"initrd", &spec.initrd},
      {"root disk", &spec.root_disk},   {"data disk", &spec.data_disk},
      {"share disk", &spec.share_disk}, {"console log", &spec.console_log},
      {"QMP socket", &spec.qmp_socket},
  };
  for (const auto& [what, path] : needed)
    if (path->empty()) return fail(Errc::config, "no path of the {}", what);
  if (spec.channel == ChannelKind::serial_port && spec.channel_socket.empty())
    return fail(Errc::config, "no path of the channel socket");
  return ok();
}

Status check(const MachineSpec& spec)
{
  TRY(check_paths(spec));
  TRY(check_confidential(spec));
  if (spec.cpus == 0) return fail(Errc::config, "no CPU");
  if (spec.memory_bytes == 0 || spec.memory_bytes % mebibyte != 0)
    return fail(Errc::config, "{} bytes of memory (want whole MiB)", spec.memory_bytes);
  if (spec.channel == ChannelKind::vsock && spec.guest_cid < first_guest_cid)
    return fail(Errc::config, "vsock context id {} (want {} or more)", spec.guest_cid,
                first_guest_cid);
  for (const PortForward& forward : spec.forwards) {
    if (!is_ipv4_address(forward.host_address))
      return fail(Errc::config, "port on '{}': QEMU's user network forwards IPv4 addresses only",
                  printable(forward.host_address));
    if (forward.host_port == 0 || forward.vm_port == 0)
      return fail(Errc::config, "port 0 cannot be forwarded");
  }
  return ok();
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

Result<std::vector<std::string>> qemu_arguments(const MachineSpec& spec)
{
  TRY(check(spec));
  // The order of devices decides their PCI slots, which the firmware measures: never reorder.
  Args args;
  add_processor(args, spec);
  add_consoles(args, spec);
  if (!spec.firmware.empty()) add(args, {"-bios", spec.firmware});
  add(args, {"-kernel", spec.kernel, "-initrd", spec.initrd});
  add_disk(args, spec, "hd0", spec.root_disk, Access::read_only, "");
  add_disk(args, spec, "hd1", spec.data_disk, Access::read_write, "");
  add_network(args, spec);
  add_channel(args, spec);
  add_disk(args, spec, "hd2", spec.share_disk, Access::read_only, "");
  if (!spec.bundle.empty())
    add_disk(args, spec, "hd3", spec.bundle, Access::read_only, bundle_disk_serial);
  add_random(args, spec);
  add_machine(args, spec);
  add(args, {"-smp", fmt::format("{}", spec.cpus)});
  add(args, {"-m", fmt::format("{}M", spec.memory_bytes / mebibyte), "-append", spec.cmdline});
  return args;
}

std::string mac_address(const std::array<std::uint8_t, 6>& hash)
{
  const unsigned first = (hash[0] & 0xfeU) | 0x02U;
  return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", first, hash[1], hash[2], hash[3],
                     hash[4], hash[5]);
}

} // namespace dstack::vm
