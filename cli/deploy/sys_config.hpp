#pragma once
/// .sys-config.json: what the host tells the guest. Nothing in it is trusted; verifiers compare
/// what it says of the machine with what was measured.

#include "compose/app_compose.hpp"
#include "osbuild/osbuild.hpp"
#include "store/vm_store.hpp"

namespace dstack::cli {

/// What is known only where the VM is started.
struct HostSays {
  std::string qemu_version{}; ///< of a confidential VM: its ACPI tables are measured
  std::string mr_config{};    ///< of an SEV-SNP VM: the document HOST_DATA is the hash of
};
HostSays host_says(const store::VmSpec& spec, const compose::AppCompose& app);

/// The document that binds a VM to its app, in version 3 (spec host 5.8): keys in order, no blanks.
std::string mr_config_document(const store::VmSpec& spec, const compose::AppCompose& app);

std::string
sys_config(const store::VmSpec& spec, const osbuild::ImageInfo& image, const HostSays& host);
/// The text with the host's own loopback addresses replaced by what the guest must use.
std::string as_seen_by_guest(std::string url);

Status write_sys_config(const sys::fs::path& directory,
                        const store::VmSpec& spec,
                        const osbuild::ImageInfo& image,
                        const HostSays& host);

/// Writes it anew before a start, so that the guest finds its KMS where vm.json says it is, and
/// verifiers the QEMU it runs on. A VM whose image is gone is left alone: starting it says so.
void refresh_sys_config(const store::VmRecord& vm);

} // namespace dstack::cli
