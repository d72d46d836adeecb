#pragma once
/// Making a VM's directory: what is decided before anything starts.

#include "cli/deploy/app.hpp"
#include "cli/settings.hpp"
#include "osbuild/osbuild.hpp"
#include "store/vm_store.hpp"

namespace dstack::cli {

/// Which TEE a VM gets, and why.
struct TeeChoice {
  store::Tee tee = store::Tee::sim;
  std::string announcement;
};
/// wanted: auto, tdx or sim. Errors when QEMU is missing or tdx is wanted and not there.
Result<TeeChoice> choose_tee(const std::string& wanted);

/// The image the settings ask for, checked unless told otherwise.
Result<osbuild::ImageInfo>
deployable_image(Context& ctx, const config::Config& config, bool skip_check, Stages& stages);

/// Mirror and insecure registries of the settings.
fetch::RegistryOptions registry_options(const config::Config& config);

/// .sys-config.json: where the guest finds things. Nothing in it is measured or trusted.
std::string sys_config(const store::VmSpec& spec, const osbuild::ImageInfo& image);
/// The text with the host's own loopback addresses replaced by what the guest must use.
std::string as_seen_by_guest(std::string url);

/// Fills share/ and the image bundle of a VM directory.
Status write_vm_files(const sys::fs::path& directory,
                      const store::VmSpec& spec,
                      const App& app,
                      const osbuild::ImageInfo& image);

/// Writes .sys-config.json anew before a start, so that the guest finds its KMS where vm.json says
/// it is. A VM whose image is gone is left alone: starting it says so.
void refresh_sys_config(const store::VmRecord& vm);

/// Reads the file of --user-config; nothing when there is none. At most 50 MiB (spec guest 16.1).
Result<std::optional<Bytes>> read_user_config(const std::string& file);
/// Gives it to the VM at its next start; it is not measured.
Status write_user_config(const sys::fs::path& directory, const std::optional<Bytes>& config);

/// Refuses when the disk that holds VMs cannot take the bundle and some more.
Status check_disk_space(const Context& ctx, const App& app);

inline constexpr const char* bundle_file = "bundle.tar";
/// True when the VM gets its images on a disk instead of pulling them.
bool carries_images(const App& app, const AppOptions& options);

} // namespace dstack::cli
