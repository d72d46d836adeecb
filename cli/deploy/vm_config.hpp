#pragma once
/// What the host says of a VM to those who judge its evidence: vm_config (spec host 1.12) and the
/// document that binds the app (5.8). Claims, which they compare with what was measured.

#include "compose/app_compose.hpp"
#include "measure/vm_config.hpp"
#include "osbuild/osbuild.hpp"
#include "store/vm_spec.hpp"

namespace dstack::cli {

/// A VM's machine on this host as it is now; with QEMU's version when the VM is confidential.
Result<measure::VmConfig> machine_of(const store::VmSpec& spec);

struct HostSays {
  measure::VmConfig machine{};
  std::string qemu_version{}; ///< when it is none that can be predicted: "10.2.0-rc1"
  std::string mr_config{};    ///< of an app that is bound by more than its compose hash
  codec::Json documents = codec::Json::object(); ///< see image_documents
};
/// Reads the image's measurement document and asks QEMU for its version; neither for a simulated
/// VM, whose evidence is of another kind.
Result<HostSays> host_says(const store::VmSpec& spec,
                           const compose::AppCompose& app,
                           const osbuild::ImageInfo& image);

/// The members with the image's own measurements, for verifiers without the image; empty when it
/// has none.
Result<codec::Json> image_documents(const store::VmSpec& spec,
                                    const compose::AppCompose& app,
                                    const sys::fs::path& image);

/// The document that binds a VM to its app, in version 3 (spec host 5.8): keys in order, no blanks.
/// It has no instance id: the guest makes that itself.
std::string mr_config_document(const store::VmSpec& spec, const compose::AppCompose& app);

std::string
vm_config_text(const store::VmSpec& spec, const osbuild::ImageInfo& image, const HostSays& host);

} // namespace dstack::cli
