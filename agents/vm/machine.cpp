#include "agents/vm/machine.hpp"

#include "attest/identity.hpp"
#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "probe/placement.hpp"
#include "store/disk_files.hpp"
#include "store/host_facts.hpp"

namespace dstack::supervisor {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t max_sys_config = std::size_t{32} << 10U; // spec host 1.11
/// From this version on QEMU emulates the SHA instructions; before, the kernel would choose its
/// AVX2 code for dm-verity, which software emulation runs at half the speed of plain code.
constexpr unsigned qemu_with_sha = 9;

Result<std::vector<vm::ShareFile>> read_share(const fs::path& directory)
{
  std::vector<vm::ShareFile> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator{directory, error}) {
    const std::string name = entry.path().filename().string();
    if (entry.is_symlink() || !entry.is_regular_file()) continue;
    const std::uint64_t limit = vm::share_file_limit(name);
    if (limit == 0) continue; // a temporary file of an unfinished write
    Bytes content = TRY(sys::read_file(entry.path(), limit).within("share/{}", name));
    files.push_back({name, std::move(content)});
  }
  if (error) return fail(Errc::io, "list {}: {}", directory.string(), error.message());
  return files;
}

Status prepare_disks(const store::VmSpec& spec, const store::VmPaths& paths)
{
  TRY(store::ensure_data_disk(paths.data_disk(), spec.disk_bytes));
  const auto files = TRY(read_share(paths.share()));
  return store::write_disk(paths.share_disk(), TRY(vm::share_disk(files).within("share")));
}

Status prepare_logs(const store::VmPaths& paths, const launch::LogLimits& limits)
{
  for (const fs::path& log : {paths.console_log(), paths.qemu_log()})
    TRY(launch::rotate(log, limits).within("{}", log.filename().string()));
  // QEMU creates the console log itself; so it is ours alone from the start.
  static_cast<void>(TRY(sys::open_append(paths.console_log(), sys::Privacy::owner_only)));
  std::error_code ignored;
  fs::remove(paths.qmp_socket(), ignored);
  fs::remove(paths.channel_socket(), ignored);
  return ok();
}

Status check_tdx(const store::HostFacts& host, const store::QemuProgram& qemu)
{
  if (!host.tdx.usable) return fail(Errc::unsupported, "no TDX on this host: {}", host.tdx.why);
  if (!qemu.at_least(10, 1))
    return fail(Errc::unsupported, "TDX needs QEMU 10.1 or later ({} is {})", qemu.path.string(),
                qemu.version);
  return ok();
}

Status check_snp(const store::HostFacts& host, const store::QemuProgram& qemu)
{
  if (!host.snp.usable)
    return fail(Errc::unsupported, "no SEV-SNP on this host: {}", host.snp.why);
  if (!qemu.at_least(9, 1))
    return fail(Errc::unsupported, "SEV-SNP needs QEMU 9.1 or later ({} is {})",
                qemu.path.string(), qemu.version);
  return ok();
}

/// The document that binds the app, as the guest finds it in its configuration (spec host 5.8);
/// empty when there is none.
Result<std::string> mr_config(const store::VmPaths& paths)
{
  const std::string text =
      TRY(sys::read_text(paths.share() / ".sys-config.json", max_sys_config));
  const codec::Json config = TRY(codec::parse_json(text).within(".sys-config.json"));
  return config.get_string("mr_config", "").within(".sys-config.json");
}

Result<Bytes> tdx_config_id(const store::VmSpec& spec, const store::VmPaths& paths)
{
  const std::string document = TRY(mr_config(paths));
  return document.empty() ? mr_config_id(spec) : attest::mr_config_id_v3(document);
}

Result<Bytes> snp_host_data(const store::VmPaths& paths)
{
  const std::string document = TRY(mr_config(paths));
  if (document.empty()) return fail(Errc::malformed, ".sys-config.json has no mr_config");
  return to_bytes(ByteView{attest::mr_config_v3_hash(document)});
}

Status add_tee(vm::MachineSpec& machine,
               const store::VmSpec& spec,
               const store::VmPaths& paths,
               const store::HostFacts& host)
{
  switch (spec.tee) {
  case store::Tee::sim:
    return ok();
  case store::Tee::tdx:
    TRY(check_tdx(host, *host.qemu));
    machine.tdx = {TRY(tdx_config_id(spec, paths)), probe::quote_service_port};
    return ok();
  case store::Tee::snp:
    TRY(check_snp(host, *host.qemu));
    const auto told = TRY(probe::ask_sev_capabilities(host.qemu->path.string())
                              .within("ask QEMU about SEV"));
    machine.snp = {TRY(snp_host_data(paths)), told.c_bit_position, told.reduced_phys_bits};
    return ok();
  }
  return ok();
}

/// The image's file by the name its metadata gives, which is checked to be a plain name.
std::string file_of(const store::VmSpec& spec, const std::string& name)
{
  return (spec.image.path / name).string();
}

Status add_image(vm::MachineSpec& machine, const store::VmSpec& spec, const image::Metadata& image)
{
  const bool own = spec.tee == store::Tee::snp && !image.bios_sev.empty();
  const std::string& bios = own ? image.bios_sev : image.bios;
  machine.firmware = bios.empty() ? "" : file_of(spec, bios);
  machine.kernel = file_of(spec, image.kernel);
  machine.initrd = file_of(spec, image.initrd);
  machine.root_disk = file_of(spec, image.rootfs);
  machine.cmdline = image.cmdline;
  for (const std::string& path :
       {machine.firmware, machine.kernel, machine.initrd, machine.root_disk})
    if (!path.empty()) TRY(sys::file_size(path).within("image {}", spec.image.name));
  return ok();
}

Result<vm::MachineSpec> machine_spec(const store::VmSpec& spec,
                                     const store::VmPaths& paths,
                                     vm::ChannelKind channel,
                                     const store::HostFacts& host)
{
  vm::MachineSpec m = TRY(probe::placed_machine(spec, {}));
  m.accelerator = host.kvm.usable ? vm::Accelerator::kvm : vm::Accelerator::tcg;
  if (!host.kvm.usable && !host.qemu->at_least(qemu_with_sha, 0)) m.cpu_features = ",-avx,-avx2";
  TRY(add_tee(m, spec, paths, host));
  m.channel = channel;
  if (channel == vm::ChannelKind::vsock) m.guest_cid = guest_cid(spec);
  // Relative to the VM's directory, where QEMU runs: socket paths have a limit of 108 bytes.
  const store::VmPaths here{fs::path{}};
  m.data_disk = here.data_disk();
  m.share_disk = here.share_disk();
  m.console_log = here.console_log();
  m.qmp_socket = here.qmp_socket();
  m.channel_socket = here.channel_socket();
  return m;
}

} // namespace

Result<Bytes> mr_config_id(const store::VmSpec& spec)
{
  return attest::mr_config_id_v1(
      TRY(parse_hex_array<32>(spec.app.compose_hash).within("compose hash")));
}

std::uint32_t guest_cid(const store::VmSpec& spec)
{
  constexpr std::uint32_t first = 1000;
  constexpr std::uint32_t range = 0x7fff0000;
  const auto hash = crypto::sha256(as_bytes(spec.id));
  ByteReader in{hash};
  const auto value = in.u32le();
  return first + (value ? *value : 0) % range;
}

Result<Machine> prepare_machine(const store::VmSpec& spec,
                                const store::VmPaths& paths,
                                const launch::LogLimits& logs,
                                vm::ChannelKind channel)
{
  const std::string text =
      TRY(sys::read_text(spec.image.path / image::metadata_file, image::max_metadata)
              .within("image {}", spec.image.name));
  Machine out;
  out.image = TRY(image::parse_metadata(text, spec.image.name).within("image {}", spec.image.name));
  const store::HostFacts host = store::detect_host();
  if (!host.qemu) return host.qemu.error();
  vm::MachineSpec m = TRY(machine_spec(spec, paths, channel, host));
  TRY(add_image(m, spec, out.image));
  if (!spec.bundle.empty())
    TRY(sys::file_size(paths.directory / spec.bundle).within("image bundle"));
  TRY(prepare_disks(spec, paths));
  TRY(prepare_logs(paths, logs));
  std::vector<std::string> argv;
  if (const std::string cpus = TRY(probe::pinned_cpus(spec, {})); !cpus.empty())
    argv = {TRY(sys::find_program("taskset")).string(), "-c", cpus};
  argv.push_back(host.qemu->path.string());
  for (std::string& argument : TRY(vm::qemu_arguments(m)))
    argv.push_back(std::move(argument));
  out.command = {std::move(argv), paths.directory, paths.qemu_log(), paths.qmp_socket()};
  out.accelerator = host.kvm.usable ? "kvm" : fmt::format("tcg: {}", host.kvm.why);
  return out;
}

} // namespace dstack::supervisor
