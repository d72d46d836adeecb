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
/// wanted: auto, tdx, snp or sim. Errors when QEMU is missing, or tdx or snp is wanted and not
/// there. auto takes TDX where it is; SEV-SNP has to be asked for.
Result<TeeChoice> choose_tee(const std::string& wanted);

/// The image the settings ask for, checked unless told otherwise.
Result<osbuild::ImageInfo>
deployable_image(Context& ctx, const config::Config& config, bool skip_check, Stages& stages);

/// Mirror and insecure registries of the settings.
fetch::RegistryOptions registry_options(const config::Config& config);

/// Fills share/ and the image bundle of a VM directory.
Status write_vm_files(const sys::fs::path& directory,
                      const store::VmSpec& spec,
                      const App& app,
                      const osbuild::ImageInfo& image);

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
