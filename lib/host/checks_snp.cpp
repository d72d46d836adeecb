#include "host/check_list.hpp"

namespace dstack::host {

namespace {

/// EPYC 7003 and later: family 25 (Zen 3 and 4), family 26 (Zen 5).
constexpr std::uint64_t first_snp_family = 25;

Check check_snp_processor(const Facts& facts)
{
  const std::string seen = processor(facts);
  const char* remedy = "SEV-SNP needs an AMD EPYC 7003 or later";
  if (facts.text("cpu.vendor") != "AuthenticAMD")
    return problem("processor", fmt::format("{} is not by AMD", seen), remedy);
  if (facts.flag("cpu.snp").value_or(false)) return good("processor", seen);
  if (facts.lists("cpu.flags", "hypervisor"))
    return problem("processor", fmt::format("{} of a VM", seen),
                   "SEV-SNP is not handed on to VMs: run dstack on the machine itself");
  if (facts.number("cpu.family").value_or(0) < first_snp_family)
    return problem("processor", fmt::format("{} has no SEV-SNP", seen), remedy);
  return problem("processor", fmt::format("{} does not show SEV-SNP (CPUID 8000001F)", seen),
                 remedy);
}

Check check_snp_firmware(const Facts& facts)
{
  if (facts.lists("cpu.flags", "sev_snp"))
    return good("firmware", "SEV-SNP is on (sev_snp in /proc/cpuinfo)");
  // Linux takes the flag away when the firmware set no memory aside for the reverse map table.
  return problem("firmware", "no sev_snp in /proc/cpuinfo",
                 "in the firmware: SMEE, SEV-SNP support, RMP table memory coverage, minimum SEV "
                 "non-ES ASID above 1; IOMMU on, no iommu=pt on the kernel command line");
}

Check check_snp_kernel(const Facts& facts)
{
  const std::string seen = kernel(facts);
  if (!facts.text("kvm_amd.sev_snp").empty())
    return good("kernel", fmt::format("{}, kvm_amd knows SEV-SNP", seen));
  const std::string remedy =
      "Linux 6.11 or later with CONFIG_KVM_AMD_SEV, or a distribution's kernel with SEV-SNP";
  if (!facts.flag("kvm_amd.loaded").value_or(false) && kernel_at_least(facts, 6, 11))
    return problem("kernel", fmt::format("{}, kvm_amd is not loaded", seen),
                   "modprobe kvm_amd sev_snp=1");
  return problem("kernel", fmt::format("{}: kvm_amd has no parameter 'sev_snp'", seen), remedy);
}

Check check_snp_parameter(const Facts& facts)
{
  const std::string value = facts.text("kvm_amd.sev_snp");
  if (value == "Y") return good("kvm_amd.sev_snp", "Y");
  return problem("kvm_amd.sev_snp",
                 value.empty() ? "kvm_amd has no such parameter"
                               : fmt::format("/sys/module/kvm_amd/parameters/sev_snp is {}", value),
                 "boot with mem_encrypt=on kvm_amd.sev=1 kvm_amd.sev_es=1 kvm_amd.sev_snp=1");
}

Check check_vm_type(const Facts& facts)
{
  const auto offered = offers(facts, vm_type_snp);
  if (offered == true) return good("vm type", "KVM offers SEV-SNP VMs");
  return problem("vm type",
                 offered ? fmt::format("KVM offers VM types {:#x}, without bit {} (SEV-SNP)",
                                       facts.number("kvm.vm_types").value_or(0), vm_type_snp)
                         : "KVM was not asked for its VM types",
                 "'dmesg | grep -i sev' tells why; an outdated SEV firmware is a usual reason");
}

Check check_device(const Facts& facts)
{
  if (facts.flag("sev.opens").value_or(false)) return good("sev device", "/dev/sev opens");
  const std::string error = facts.text("sev.error");
  return problem("sev device", error.empty() ? "not found out" : error,
                 "modprobe ccp, and let the group kvm use /dev/sev (udev rule)");
}

Check check_snp_keys(const Facts& facts)
{
  const auto capacity = facts.number("misc_cgroup.sev_es");
  const auto first_plain = facts.number("cpu.min_sev_asid");
  if (capacity.value_or(0) > 0)
    return good("keys", fmt::format("{} SEV-SNP VMs at once (misc.capacity)", *capacity));
  if (first_plain.value_or(0) > 1)
    return good("keys", fmt::format("{} SEV-SNP VMs at once (CPUID 8000001F)", *first_plain - 1));
  if (capacity || first_plain)
    return problem("keys", "no address space id is set aside for SEV-ES and SEV-SNP",
                   "in the firmware: minimum SEV non-ES ASID above 1");
  return remark("keys", "how many SEV-SNP VMs fit is not visible",
                "CPUID 8000001F and the misc control group would tell");
}

Check check_capabilities(const Facts& facts)
{
  const auto bit = facts.number("qemu.c_bit_position");
  const auto reduced = facts.number("qemu.reduced_phys_bits");
  if (bit && reduced)
    return good("encryption bit",
                fmt::format("bit {}, {} address bits less (asked QEMU)", *bit, *reduced));
  const std::string error = facts.text("qemu.sev_error");
  return problem(
      "encryption bit",
      fmt::format("QEMU does not tell its position: {}", error.empty() ? "not asked" : error),
      "QEMU asks /dev/sev through KVM: see the checks above");
}

} // namespace

std::vector<Check> snp_checks(const Facts& facts)
{
  return with_shared(
      {check_snp_processor(facts), check_snp_firmware(facts), check_snp_kernel(facts),
       check_kvm(facts), check_snp_parameter(facts), check_vm_type(facts), check_device(facts),
       check_snp_keys(facts), check_qemu(facts, "sev-snp-guest", "9.1"), check_capabilities(facts),
       check_service(facts, "kds",
                     "the setting kds.url names a mirror of AMD's key service, or AMD's own "
                     "when the machine reaches the network")},
      facts);
}

} // namespace dstack::host
