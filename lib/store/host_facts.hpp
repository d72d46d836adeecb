#pragma once
/// What this machine offers to VMs: QEMU, KVM, TDX, vsock.

#include "sys/files.hpp"

namespace dstack::store {

/// A fact with the reason for its value, for people.
struct HostFact {
  bool usable = false;
  std::string why{};
};

struct QemuProgram {
  std::filesystem::path path{};
  std::string version{}; ///< "7.2.22"
  /// Version at least major.minor.
  bool at_least(unsigned major, unsigned minor) const;
};

struct HostFacts {
  Result<QemuProgram> qemu = fail(Errc::not_found, "not looked for");
  HostFact kvm{};   ///< hardware virtualisation that works (not merely a /dev/kvm that opens)
  HostFact tdx{};   ///< KVM offers the TDX VM type
  HostFact snp{};   ///< KVM offers the SEV-SNP VM type
  HostFact vsock{}; ///< /dev/vhost-vsock opens
};

/// Looks at /proc/cpuinfo, /dev/kvm, /dev/vhost-vsock and asks QEMU for its version.
HostFacts detect_host();
/// QEMU by $DSTACK_TOOLS_DIR or PATH, with its version; the error names the package to install.
Result<QemuProgram> find_qemu();
/// First line of `qemu --version` -> "8.2.2"; pure (spec host 1.1).
Result<std::string> parse_qemu_version(std::string_view output);

} // namespace dstack::store
