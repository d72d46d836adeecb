#pragma once
/// The container image of dstack-kms: the program and what it loads, in one layer. Made when dstack
/// is built (cli/kms/image.cmake), by dstack itself.

#include "cli/deploy/app.hpp"

namespace dstack::cli {

inline constexpr const char* kms_image_name = "dstack-kms:" DSTACK_VERSION;
inline constexpr const char* kms_image_file = "dstack-kms.image.tar"; ///< beside dstack-kms
inline constexpr const char* kms_directory_inside = "/kms";

/// Files by their place in the image, "usr/lib/…". Those that their owner may execute are so there;
/// nothing else of their owners, times and modes counts.
using ImageFiles = std::map<std::string, sys::fs::path>;

/// Writes an OCI image layout as one tar file. program: which of the files is run.
Status
write_kms_image(const sys::fs::path& out, const ImageFiles& files, const std::string& program);

} // namespace dstack::cli
