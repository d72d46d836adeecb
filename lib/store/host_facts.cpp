#include "store/host_facts.hpp"

#include "base/text.hpp"
#include "sys/spawn.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace dstack::store {

namespace fs = std::filesystem;

namespace {

constexpr const char* qemu_name = "qemu-system-x86_64";
constexpr std::size_t max_cpuinfo = std::size_t{64} << 20U;
constexpr std::chrono::milliseconds version_deadline{20'000};
// Linux Documentation/virt/kvm/api.rst: KVM_CAP_VM_TYPES answers a bitmap of VM types.
constexpr unsigned long capability_vm_types = 235;
struct VmType {
  unsigned number;
  const char* name;
};
constexpr VmType vm_type_snp{4, "SEV-SNP"};
constexpr VmType vm_type_tdx{5, "TDX"};

HostFact no(std::string why)
{
  return {false, std::move(why)};
}

/// True when a line "flags : …" has the word.
bool has_cpu_flag(std::string_view cpuinfo, std::string_view flag)
{
  for (const auto line : split(cpuinfo, '\n')) {
    if (!line.starts_with("flags")) continue;
    const auto words = split(line, ' ');
    return std::find(words.begin(), words.end(), flag) != words.end();
  }
  return false;
}

HostFact detect_kvm(const sys::Fd& kvm, int open_error)
{
  const auto cpuinfo = sys::read_text("/proc/cpuinfo", max_cpuinfo);
  if (!cpuinfo) return no(cpuinfo.error().message());
  // A /dev/kvm without either flag is a partial emulation that stops in the middle of a boot.
  if (!has_cpu_flag(*cpuinfo, "vmx") && !has_cpu_flag(*cpuinfo, "svm"))
    return no("the processor shows neither vmx nor svm (virtualisation is off in the firmware, or "
              "this is a VM without nesting)");
  if (!kvm) return no(sys::errno_error("open /dev/kvm", open_error).message());
  return {true, "/dev/kvm opens and the processor virtualises"};
}

HostFact detect_type(const HostFact& kvm, const sys::Fd& device, const VmType& type)
{
  if (!kvm.usable) return no("KVM is not usable");
  const int types = ::ioctl(device.get(), KVM_CHECK_EXTENSION, capability_vm_types);
  if (types < 0) return no(sys::errno_error("ask KVM for its VM types").message());
  if ((static_cast<unsigned>(types) >> type.number & 1U) == 0)
    return no(fmt::format("KVM offers VM types {:#x}, without bit {} ({})", types, type.number,
                          type.name));
  return {true, fmt::format("KVM offers {} VMs", type.name)};
}

HostFact detect_vsock()
{
  const sys::Fd device{::open("/dev/vhost-vsock", O_RDWR | O_CLOEXEC)};
  if (device) return {true, "/dev/vhost-vsock opens"};
  return no(sys::errno_error("open /dev/vhost-vsock").message());
}

} // namespace

bool QemuProgram::at_least(unsigned major, unsigned minor) const
{
  const auto parts = split(version, '.');
  const auto number = [&](std::size_t i) {
    const auto value = i < parts.size() ? parse_u64(parts[i]) : Result<std::uint64_t>{0};
    return value ? *value : 0;
  };
  return number(0) > major || (number(0) == major && number(1) >= minor);
}

Result<std::string> parse_qemu_version(std::string_view output)
{
  const auto words = split(trim(output.substr(0, output.find('\n'))), ' ');
  const auto at = std::find(words.begin(), words.end(), "version");
  const auto is_version = [](std::string_view word) {
    return !word.empty() && word[0] >= '0' && word[0] <= '9' &&
           word.find_first_of(".-") != std::string_view::npos;
  };
  if (at != words.end() && at + 1 != words.end() && is_version(*(at + 1)))
    return std::string{(at + 1)->substr(0, (at + 1)->find('+'))};
  const auto any = std::find_if(words.begin(), words.end(), is_version);
  if (any != words.end()) return std::string{any->substr(0, any->find('+'))};
  return fail(Errc::malformed, "no version in '{}'", printable(output.substr(0, 200)));
}

Result<QemuProgram> find_qemu()
{
  // Chosen by the setting "qemu", which commands hand on to the supervisor in this variable.
  const char* chosen = std::getenv("DSTACK_QEMU");
  const bool named = chosen != nullptr && *chosen != '\0';
  auto path = sys::find_program(named ? chosen : qemu_name);
  if (!path)
    return fail(Errc::not_found, "{} is not installed (apt-get install qemu-system-x86)",
                qemu_name);
  if (named && ::access(chosen, X_OK) != 0)
    return fail(Errc::not_found, "the QEMU of the setting 'qemu', {}, cannot be run", chosen);
  const auto output =
      TRY(sys::run_ok({.argv = {path->string(), "--version"}}, {}, {.deadline = version_deadline}));
  auto version = TRY(parse_qemu_version(output.out).within("{} --version", path->string()));
  return QemuProgram{*path, std::move(version)};
}

HostFacts detect_host()
{
  HostFacts facts;
  facts.qemu = find_qemu();
  const sys::Fd kvm{::open("/dev/kvm", O_RDWR | O_CLOEXEC)};
  const int open_error = errno;
  facts.kvm = detect_kvm(kvm, open_error);
  facts.tdx = detect_type(facts.kvm, kvm, vm_type_tdx);
  facts.snp = detect_type(facts.kvm, kvm, vm_type_snp);
  facts.vsock = detect_vsock();
  return facts;
}

} // namespace dstack::store
