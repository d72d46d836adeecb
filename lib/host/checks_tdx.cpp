#include "host/check_list.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>

namespace dstack::host {

namespace {

/// Family 6 models of processors with TDX (Linux arch/x86/include/asm/intel-family.h): Sapphire,
/// Emerald, Granite Rapids (two), Sierra and Clearwater Forest.
constexpr std::array<std::uint64_t, 6> tdx_models{143, 207, 173, 174, 175, 221};
constexpr std::uint64_t intel_family = 6;
constexpr std::string_view firmware_settings =
    "in the firmware: memory encryption (TME), multi-key (TME-MT), TDX, a TDX key split above 0, "
    "SEAM loader, SGX";

/// Linux sets the flag once it found private key ids, which the firmware set aside.
bool has_host_flag(const Facts& facts)
{
  return facts.lists("cpu.flags", "tdx_host_platform");
}

Check check_tdx_processor(const Facts& facts)
{
  const std::string seen = processor(facts);
  if (facts.text("cpu.vendor") != "GenuineIntel")
    return problem("processor", fmt::format("{} is not by Intel", seen),
                   "TDX needs an Intel Xeon of the 5th generation or later (some of the 4th)");
  if (has_host_flag(facts)) return good("processor", seen);
  if (facts.lists("cpu.flags", "hypervisor"))
    return problem("processor", fmt::format("{} of a VM", seen),
                   "TDX is not handed on to VMs: run dstack on the machine itself");
  const bool known = facts.number("cpu.family") == intel_family &&
                     std::find(tdx_models.begin(), tdx_models.end(),
                               facts.number("cpu.model_number").value_or(0)) != tdx_models.end();
  if (known) return good("processor", seen);
  return problem("processor", fmt::format("{} has no TDX", seen),
                 "TDX needs an Intel Xeon of the 5th generation or later (some of the 4th)");
}

Check check_tdx_firmware(const Facts& facts)
{
  const auto keys = facts.number("msr.tdx_keys");
  if (has_host_flag(facts) || (keys.value_or(0) > 0 && facts.flag("msr.seam_range") == true))
    return good("firmware", keys ? fmt::format("TDX is on, {} private key ids", *keys)
                                 : "TDX is on (tdx_host_platform in /proc/cpuinfo)");
  if (facts.flag("msr.tme") == false)
    return problem("firmware", "memory encryption is off (MSR 0x982, bit 1)",
                   std::string{firmware_settings});
  if (keys == 0U)
    return problem("firmware", "no key ids are set aside for TDX (MSR 0x87)",
                   "in the firmware: a TDX key split above 0");
  if (facts.flag("msr.seam_range") == false)
    return problem("firmware", "no memory is set aside for the TDX module (MSR 0x1401, bit 11)",
                   "in the firmware: TDX and its SEAM loader on");
  const std::string error = facts.text("msr.error");
  return problem("firmware",
                 fmt::format("no tdx_host_platform in /proc/cpuinfo{}{}",
                             error.empty() ? "" : "; MSRs: ", error),
                 fmt::format("{}; 'modprobe msr' and doctor as root tell which of them is off",
                             firmware_settings));
}

Check check_tdx_kernel(const Facts& facts)
{
  const std::string seen = kernel(facts);
  if (!facts.text("kvm_intel.tdx").empty())
    return good("kernel", fmt::format("{}, kvm_intel knows TDX", seen));
  const std::string remedy =
      "Linux 6.16 or later with CONFIG_INTEL_TDX_HOST, or a distribution's kernel with TDX";
  if (!facts.flag("kvm_intel.loaded").value_or(false))
    return kernel_at_least(facts, 6, 16)
               ? problem("kernel", fmt::format("{}, kvm_intel is not loaded", seen),
                         "modprobe kvm_intel tdx=1")
               : problem("kernel", fmt::format("{} is older than 6.16", seen), remedy);
  return problem("kernel", fmt::format("{}: kvm_intel has no parameter 'tdx'", seen), remedy);
}

Check check_tdx_parameter(const Facts& facts)
{
  const std::string value = facts.text("kvm_intel.tdx");
  if (value == "Y") return good("kvm_intel.tdx", "Y");
  const std::string sleep = facts.text("kernel.hibernation");
  const bool hibernates = !sleep.empty() && sleep.find("[disabled]") == std::string::npos;
  return problem("kvm_intel.tdx",
                 value.empty() ? "kvm_intel has no such parameter"
                               : fmt::format("/sys/module/kvm_intel/parameters/tdx is {}{}", value,
                                             hibernates ? ", and hibernation is on" : ""),
                 "boot with kvm_intel.tdx=1 nohibernate");
}

Check check_module(const Facts& facts)
{
  const std::string version = facts.text("tdx_module.version");
  const std::string status = facts.text("tdx_module.status");
  const auto offered = offers(facts, vm_type_tdx);
  if (offered == true)
    return good("tdx module", version.empty()
                                  ? "KVM offers TDX VMs"
                                  : fmt::format("version {}, KVM offers TDX VMs", version));
  std::string seen = "KVM was not asked for its VM types";
  if (offered)
    seen = fmt::format("KVM offers VM types {:#x}, without bit {} (TDX)",
                       facts.number("kvm.vm_types").value_or(0), vm_type_tdx);
  if (!status.empty()) seen += fmt::format("; the module is '{}'", status);
  return problem("tdx module", std::move(seen),
                 "the firmware must load the module (SEAM loader), the kernel initialises it when "
                 "booted with kvm_intel.tdx=1 nohibernate; 'dmesg | grep virt/tdx' tells why not");
}

Check check_tdx_keys(const Facts& facts)
{
  const auto capacity = facts.number("misc_cgroup.tdx");
  const auto keys = facts.number("msr.tdx_keys");
  if (capacity.value_or(0) > 0)
    return good("keys", fmt::format("{} TDX VMs at once (misc.capacity)", *capacity));
  if (keys.value_or(0) > 1) // the first one is the TDX module's own
    return good("keys", fmt::format("{} TDX VMs at once (MSR 0x87)", *keys - 1));
  if (capacity || keys)
    return problem("keys", "no private key id is left for a TDX VM",
                   "in the firmware: a TDX key split above 1");
  return remark("keys", "how many TDX VMs fit is not visible",
                "as root after 'modprobe msr', or with Linux 6.16, it is");
}

Check check_sgx(const Facts& facts)
{
  const bool enclave = facts.flag("sgx.enclave").value_or(false);
  const bool provision = facts.flag("sgx.provision").value_or(false);
  if (enclave && provision) return good("sgx", "/dev/sgx_enclave and /dev/sgx_provision are there");
  return problem("sgx",
                 fmt::format("{} missing", enclave     ? "/dev/sgx_provision is"
                                           : provision ? "/dev/sgx_enclave is"
                                                       : "/dev/sgx_enclave and /dev/sgx_provision "
                                                         "are"),
                 "quotes are signed by an SGX enclave: SGX on in the firmware");
}

Check check_quote_service(const Facts& facts)
{
  const std::uint64_t port = facts.number("quote_service.port").value_or(0);
  if (facts.flag("quote_service.answers").value_or(false))
    return good("quote service", fmt::format("somebody listens on vsock port {}", port));
  const std::string error = facts.text("quote_service.error");
  return problem("quote service",
                 fmt::format("vsock port {}: {}", port, error.empty() ? "not found out" : error),
                 "install Intel's tdx-qgs, 'port = 4050' in /etc/qgs.conf, systemctl enable --now "
                 "qgsd (modprobe vsock_loopback)");
}

} // namespace

std::vector<Check> tdx_checks(const Facts& facts)
{
  return with_shared(
      {check_tdx_processor(facts), check_tdx_firmware(facts), check_tdx_kernel(facts),
       check_kvm(facts), check_tdx_parameter(facts), check_module(facts), check_tdx_keys(facts),
       check_sgx(facts), check_qemu(facts, "tdx-guest", "10.1"), check_quote_service(facts),
       check_service(facts, "pccs",
                     "the setting pccs.url names a PCCS, or Intel's PCS when the machine "
                     "reaches the network")},
      facts);
}

} // namespace dstack::host
