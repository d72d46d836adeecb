#pragma once
/// What an image on disk gives a VM of the simulated TEE to boot with.

#include "image/metadata.hpp"
#include "measure/boot.hpp"
#include "sys/files.hpp"

namespace dstack::tee {

/// sha384 of a kernel or initramfs file.
Result<crypto::Sha384Digest> boot_file_digest(const std::filesystem::path& file);
/// Reads firmware, kernel and initramfs of the image and predicts the registers.
Result<measure::BootMeasurement> simulated_image_boot(const std::filesystem::path& directory,
                                                      const image::Metadata& image,
                                                      const measure::VmShape& shape);

} // namespace dstack::tee
