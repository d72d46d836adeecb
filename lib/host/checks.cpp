#include "host/checks.hpp"

#include "base/text.hpp"
#include "host/check_list.hpp"

#include <algorithm>
#include <array>

namespace dstack::host {

namespace {

constexpr std::array platforms{std::pair{Platform::sim, std::string_view{"sim"}},
                               std::pair{Platform::tdx, std::string_view{"tdx"}},
                               std::pair{Platform::snp, std::string_view{"snp"}}};

/// One line about a platform that was not asked about.
Check summary(const Facts& facts, std::string name, std::string_view shown, unsigned vm_type)
{
  const auto offered = offers(facts, vm_type);
  if (offered == true) return good(std::move(name), fmt::format("KVM offers {} VMs", shown));
  std::string why = "KVM is not usable";
  if (offered && check_kvm(facts).severity == Severity::good)
    why = fmt::format("KVM offers VM types {:#x}, without bit {}",
                      facts.number("kvm.vm_types").value_or(0), vm_type);
  std::string remedy = fmt::format("VMs are simulated (dstack help simulated); 'dstack doctor --tee "
                                   "{}' lists what is missing",
                                   name);
  return remark(std::move(name), std::move(why), std::move(remedy));
}

/// KVM only makes simulated VMs faster.
Check kvm_for_speed(const Facts& facts)
{
  Check check = check_kvm(facts);
  if (check.severity == Severity::good) return check;
  return remark("kvm", check.evidence,
                "VMs run under software emulation, several times slower; " + check.remedy);
}

std::vector<Check> sim_checks(const Facts& facts)
{
  return {check_qemu(facts, "", ""),
          kvm_for_speed(facts),
          summary(facts, "tdx", "TDX", vm_type_tdx),
          summary(facts, "snp", "SEV-SNP", vm_type_snp),
          check_vsock(facts),
          check_memory(facts),
          check_limits(facts)};
}

} // namespace

Check good(std::string name, std::string evidence)
{
  return {std::move(name), Severity::good, std::move(evidence), ""};
}

Check remark(std::string name, std::string evidence, std::string remedy)
{
  return {std::move(name), Severity::remark, std::move(evidence), std::move(remedy)};
}

Check problem(std::string name, std::string evidence, std::string remedy)
{
  return {std::move(name), Severity::problem, std::move(evidence), std::move(remedy)};
}

std::optional<bool> offers(const Facts& facts, unsigned vm_type)
{
  const auto types = facts.number("kvm.vm_types");
  if (!types) return std::nullopt;
  return (*types >> vm_type & 1U) != 0;
}

bool kernel_at_least(const Facts& facts, std::uint64_t major, std::uint64_t minor)
{
  const std::string release = facts.text("kernel.release");
  const auto parts = split(release, '.');
  if (parts.size() < 2) return false;
  const std::string_view second = parts[1].substr(0, parts[1].find_first_not_of("0123456789"));
  const auto first_number = parse_u64(parts[0]);
  const auto second_number = parse_u64(second);
  if (!first_number || !second_number) return false;
  return *first_number > major || (*first_number == major && *second_number >= minor);
}

std::string kernel(const Facts& facts)
{
  const std::string release = facts.text("kernel.release");
  return fmt::format("Linux {}", release.empty() ? "(unknown)" : release);
}

std::string processor(const Facts& facts)
{
  const std::string model = facts.text("cpu.model");
  return fmt::format("{} (family {}, model {})", model.empty() ? "unknown processor" : model,
                     facts.number("cpu.family").value_or(0),
                     facts.number("cpu.model_number").value_or(0));
}

std::string_view name_of(Platform platform)
{
  const auto* at = std::find_if(platforms.begin(), platforms.end(),
                                [&](const auto& entry) { return entry.first == platform; });
  return at == platforms.end() ? "" : at->second;
}

Result<Platform> parse_platform(std::string_view name)
{
  for (const auto& [platform, known] : platforms)
    if (known == name) return platform;
  return fail(Errc::malformed, "'{}' (want sim, tdx or snp)", printable(name));
}

Platform usual_platform(const Facts& facts)
{
  return offers(facts, vm_type_tdx).value_or(false) ? Platform::tdx : Platform::sim;
}

std::vector<Check> judge(const Facts& facts, Platform platform)
{
  switch (platform) {
  case Platform::sim:
    return sim_checks(facts);
  case Platform::tdx:
    return tdx_checks(facts);
  case Platform::snp:
    return snp_checks(facts);
  }
  return {};
}

} // namespace dstack::host
