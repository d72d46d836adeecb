#include "host/check_list.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace dstack::host {

namespace {

constexpr std::uint64_t gibibyte = std::uint64_t{1} << 30U;
constexpr std::uint64_t kibibyte = 1024;
/// A VM of the default size.
constexpr std::uint64_t usual_memory = 2 * gibibyte;
constexpr std::string_view not_found_out = "not found out";

std::string counted(std::uint64_t count, std::string_view what)
{
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::string error_of(const Facts& facts, std::string_view path)
{
  const std::string error = facts.text(path);
  return error.empty() ? std::string{not_found_out} : error;
}

/// "no limit" for what the kernel calls infinity (RLIM_INFINITY, 2^64 - 1).
std::string limit_text(std::uint64_t bytes)
{
  return bytes == UINT64_MAX ? "no limit" : format_size(bytes);
}

} // namespace

Check check_kvm(const Facts& facts)
{
  const bool virtualises = facts.lists("cpu.flags", "vmx") || facts.lists("cpu.flags", "svm");
  // A /dev/kvm without either flag is a partial emulation that stops in the middle of a boot.
  if (!virtualises)
    return problem("kvm",
                   "the processor shows neither vmx nor svm (virtualisation is off in the "
                   "firmware, or this is a VM without nesting)",
                   "switch virtualisation on in the firmware (VT-x or SVM)");
  if (facts.flag("kvm.opens").value_or(false))
    return good("kvm", "/dev/kvm opens and the processor virtualises");
  return problem("kvm", error_of(facts, "kvm.error"),
                 "load kvm_intel or kvm_amd and join the group kvm (usermod -aG kvm USER)");
}

Check check_vsock(const Facts& facts)
{
  if (facts.flag("vsock.opens").value_or(false)) return good("vsock", "/dev/vhost-vsock opens");
  return remark("vsock", error_of(facts, "vsock.error"),
                "not needed: a virtio-serial port is used instead (modprobe vhost_vsock)");
}

Check check_memory(const Facts& facts)
{
  const auto total = facts.number("memory.total_bytes");
  const auto available = facts.number("memory.available_bytes");
  if (!total || !available) return remark("memory", std::string{not_found_out}, "see /proc/meminfo");
  std::string seen =
      fmt::format("{} available of {}", format_size(*available), format_size(*total));
  if (*available >= usual_memory) return good("memory", std::move(seen));
  return remark("memory", std::move(seen),
                "a VM takes 2G unless told otherwise (--memory); stop something");
}

Check check_limits(const Facts& facts)
{
  const auto locked = facts.number("limits.memlock_bytes");
  const auto files = facts.number("limits.open_files");
  const auto group = facts.number("limits.cgroup_memory_bytes");
  if (!locked || !files) return remark("limits", std::string{not_found_out}, "see 'ulimit -a'");
  std::string seen = fmt::format("locked memory: {}, open files: {}", limit_text(*locked), *files);
  if (group) seen += fmt::format(", memory of this control group: {}", limit_text(*group));
  if (group && *group < usual_memory)
    return remark("limits", std::move(seen), "start VMs outside that control group, or raise it");
  // Devices that are passed through keep the whole memory of a VM locked.
  if (!gpus(facts).empty() && *locked < usual_memory)
    return remark("limits", std::move(seen),
                  "GPUs lock the memory of their VM: 'ulimit -l unlimited' or LimitMEMLOCK=");
  return good("limits", std::move(seen));
}

namespace {

Check check_numa(const Facts& facts)
{
  std::vector<std::string> seen;
  for (const NumaNode& node : numa_nodes(facts))
    seen.push_back(fmt::format("node {}: CPUs {}, {}", node.number, node.cpus,
                               format_size(node.memory_bytes)));
  if (seen.empty())
    return remark("numa", "the kernel shows no NUMA nodes",
                  "--pin-numa and --hugepages are not possible");
  return good("numa", join(seen, "; "));
}

Check check_hugepages(const Facts& facts)
{
  std::vector<std::string> seen;
  std::uint64_t free_bytes = 0;
  for (const NumaNode& node : numa_nodes(facts))
    for (const HugePages& size : node.pages) {
      if (size.free == 0) continue;
      free_bytes += size.free * size.page_kib * kibibyte;
      seen.push_back(fmt::format("node {}: {} of {} pages of {} free", node.number, size.free,
                                 size.total, format_size(size.page_kib * kibibyte)));
    }
  if (free_bytes > 0) return good("hugepages", join(seen, "; "));
  return remark("hugepages", "no free huge page on any node",
                "only for --hugepages: boot with default_hugepagesz=1G hugepages=N");
}

Check check_iommu(const Facts& facts)
{
  const std::uint64_t groups = facts.number("iommu.groups").value_or(0);
  const bool iommufd = facts.flag("iommu.iommufd").value_or(false);
  if (groups == 0)
    return remark("iommu", "no IOMMU groups",
                  "only for GPUs: VT-d or AMD-Vi on in the firmware, boot with intel_iommu=on or "
                  "amd_iommu=on");
  if (!iommufd)
    return remark("iommu", fmt::format("{}, but no /dev/iommu", counted(groups, "group")),
                  "only for GPUs: modprobe iommufd (Linux 6.6 with CONFIG_IOMMUFD and "
                  "CONFIG_VFIO_DEVICE_CDEV)");
  return good("iommu", fmt::format("{}, /dev/iommu is there", counted(groups, "group")));
}

Check check_gpus(const Facts& facts)
{
  const std::vector<Gpu> all = gpus(facts);
  if (all.empty()) return good("gpus", "none");
  std::vector<std::string> seen;
  std::vector<std::string> taken;
  for (const Gpu& gpu : all) {
    seen.push_back(fmt::format("{} ({}, node {}, {})", gpu.slot, gpu.device, gpu.numa_node,
                               gpu.driver.empty() ? "no driver" : gpu.driver));
    if (gpu.driver != "vfio-pci") taken.push_back(gpu.slot);
  }
  if (taken.empty()) return good("gpus", join(seen, "; "));
  return remark("gpus", join(seen, "; "),
                fmt::format("only for --gpu: give them to vfio-pci (driverctl set-override {} "
                            "vfio-pci)",
                            taken.front()));
}

Check check_swtpm(const Facts& facts)
{
  const std::string path = facts.text("swtpm.path");
  if (!path.empty()) return good("swtpm", path);
  return remark("swtpm", "not installed",
                "optional, shows a firmware's own measurements: apt-get install swtpm");
}

} // namespace

std::vector<Check> with_shared(std::vector<Check> own, const Facts& facts)
{
  for (const auto check : {check_vsock, check_memory, check_numa, check_hugepages, check_limits,
                           check_iommu, check_gpus, check_swtpm})
    own.push_back(check(facts));
  return own;
}

Check check_qemu(const Facts& facts, std::string_view object, std::string_view since)
{
  const std::string path = facts.text("qemu.path");
  const std::string version = facts.text("qemu.version");
  if (path.empty() || version.empty())
    return problem("qemu", error_of(facts, "qemu.error"), "apt-get install qemu-system-x86");
  std::string seen = fmt::format("{} (version {})", path, version);
  if (object.empty()) return good("qemu", std::move(seen));
  if (facts.lists("qemu.objects", object))
    return good("qemu", fmt::format("{}, knows {}", seen, object));
  return problem("qemu", fmt::format("{} does not know the object {}", seen, object),
                 fmt::format("QEMU {} or later: Debian's backports have it, or name one by the "
                             "setting 'qemu'",
                             since));
}

Check check_service(const Facts& facts, const std::string& name, std::string remedy)
{
  const std::string url = facts.text(name + ".url");
  const auto answers = facts.flag(name + ".answers");
  if (!answers)
    return remark(name, "not asked", "ask without --offline to know whether it answers");
  if (*answers) return good(name, fmt::format("{} answers", url));
  return problem(name, fmt::format("{}: {}", url, error_of(facts, name + ".error")),
                 std::move(remedy));
}

} // namespace dstack::host
