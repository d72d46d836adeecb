#pragma once
/// What the files of an image contribute to its measurements, each file read once.

#include "cli/context.hpp"
#include "image/metadata.hpp"
#include "measure/diagnose.hpp"
#include "measure/snp_launch.hpp"
#include "measure/vm_config.hpp"

#include <memory>
#include <set>

namespace dstack::cli {

/// An image directory with what it says of itself; its files are not checked against it.
struct ImageFiles {
  sys::fs::path directory{};
  std::string name{};
  std::string os_image_hash{}; ///< empty when the image lists no digests
  image::Metadata metadata{};
};
/// word is a name or a directory; the newest image when empty.
Result<ImageFiles> open_image(const Context& ctx, const std::string& word);
Result<ImageFiles> open_image_directory(const sys::fs::path& directory);

/// Tells the machines how this image's firmware takes its kernel; reads the firmware only when that
/// makes a difference to one of them.
Status add_kernel_source(const ImageFiles& image, std::vector<measure::VmConfig>& machines);

/// Which digests a set of machines takes.
struct TdxNeeds {
  std::set<measure::PageOrder> pages{};
  std::set<measure::KernelForm> kernels{};
};
void add_need(TdxNeeds& needs, const measure::TdxShape& shape);

/// Firmware, kernel and initrd at the same time where there are processors for it.
Result<measure::TdxMaterial> tdx_material(const ImageFiles& image, const TdxNeeds& needs);
/// Errc::unsupported for an image without SEV firmware.
Result<measure::SnpImage> snp_material(const ImageFiles& image);

/// For a diagnosis: firmware in both page orders, the kernel in whatever form it is asked for. The
/// kernel stays in memory for as long as the suspect.
struct ImageSuspects {
  measure::FirmwareSuspect firmware{};
  measure::KernelSuspect kernel{};
  measure::DigestSuspect cmdline{};
  measure::DigestSuspect initrd{};
};
Result<ImageSuspects> image_suspects(const ImageFiles& image);

} // namespace dstack::cli
