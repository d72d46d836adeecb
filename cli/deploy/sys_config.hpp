#pragma once
/// .sys-config.json: what the host tells the guest. Nothing in it is trusted.

#include "cli/deploy/vm_config.hpp"
#include "store/vm_store.hpp"

namespace dstack::cli {

std::string
sys_config(const store::VmSpec& spec, const osbuild::ImageInfo& image, const HostSays& host);
/// The text with the host's own loopback addresses replaced by what the guest must use.
std::string as_seen_by_guest(std::string url);

/// Errc::config for a document that is longer than guests take (spec host 1.11).
Status write_sys_config(const sys::fs::path& directory,
                        const store::VmSpec& spec,
                        const osbuild::ImageInfo& image,
                        const HostSays& host);

/// Writes it anew before a start, so that the guest finds its KMS where vm.json says it is, and
/// verifiers the QEMU it runs on. A VM whose image is gone is left alone: starting it says so.
void refresh_sys_config(const store::VmRecord& vm);

} // namespace dstack::cli
