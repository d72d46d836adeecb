#pragma once
/// Checks by platform, for checks.cpp alone.

#include "host/checks.hpp"

namespace dstack::host {

Check good(std::string name, std::string evidence);
Check remark(std::string name, std::string evidence, std::string remedy);
Check problem(std::string name, std::string evidence, std::string remedy);

/// KVM's VM types are numbered in Linux Documentation/virt/kvm/api.rst (KVM_CAP_VM_TYPES).
inline constexpr unsigned vm_type_snp = 4;
inline constexpr unsigned vm_type_tdx = 5;
/// Whether KVM offers that type; nothing when it was not asked.
std::optional<bool> offers(const Facts& facts, unsigned vm_type);
/// Linux "6.8.0-45-generic" is at least major.minor.
bool kernel_at_least(const Facts& facts, std::uint64_t major, std::uint64_t minor);
/// "Linux 6.8.0-45-generic"
std::string kernel(const Facts& facts);
/// "Intel(R) Xeon(R) Platinum 8558 (family 6, model 207)"
std::string processor(const Facts& facts);

// What the platforms have in common (checks_machine.cpp).
Check check_kvm(const Facts& facts);
Check check_vsock(const Facts& facts);
Check check_memory(const Facts& facts);
Check check_limits(const Facts& facts);
/// A TEE's own checks, then those that are the same for every TEE: vsock, memory, NUMA nodes, huge
/// pages, limits, IOMMU, GPUs, software TPM.
std::vector<Check> with_shared(std::vector<Check> own, const Facts& facts);
/// QEMU, with an object that the platform needs of it ("" for none) and who has it.
Check check_qemu(const Facts& facts, std::string_view object, std::string_view since);
/// A service by its facts "NAME.url", ".answers", ".error".
Check check_service(const Facts& facts, const std::string& name, std::string remedy);

std::vector<Check> tdx_checks(const Facts& facts);
std::vector<Check> snp_checks(const Facts& facts);

} // namespace dstack::host
