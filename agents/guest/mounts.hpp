#pragma once
/// The file systems and limits PID 1 sets up before anything else runs.

#include "base/result.hpp"

namespace dstack::guest {

/// Pseudo file systems, cgroup2 with every controller enabled, working directories. Those that
/// dstack-init has already mounted are left alone.
Status mount_system();

/// mount(2) with an error that names both ends; the mount point is created when missing.
Status mount_at(const std::string& what,
                const std::string& where,
                const std::string& type,
                unsigned long flags,
                const std::string& options);
Status bind_mount(const std::string& from, const std::string& to);

/// True inside an Intel TDX trust domain, as the processor says it.
bool is_tdx_guest();
/// CPUID as the SEV-SNP firmware checked it at the launch shows SEV-SNP; other machines never do.
bool is_snp_guest();
/// True under QEMU's software emulation outside a TEE, where the host is no adversary to begin
/// with.
bool is_software_emulated();

/// Writes one value to a file below /proc/sys or /sys.
Status write_setting(const std::string& path, std::string_view value);

} // namespace dstack::guest
