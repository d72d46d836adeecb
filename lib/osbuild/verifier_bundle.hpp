#pragma once
/// The bundle from which verifiers measure an image that they do not have (spec host 4.1).

#include "osbuild/osbuild.hpp"

namespace dstack::osbuild {

/// "mr_<os_image_hash>.tar.gz", where verifiers look for it.
std::string bundle_name(const ImageInfo& image);
/// All that is covered by the image hash, with the checksums and the firmware for SEV-SNP, without
/// a directory around it and without the root file system: the command line has its hash. The
/// same image gives the same bytes.
Status write_verifier_bundle(const ImageInfo& image, const fs::path& path);

} // namespace dstack::osbuild
