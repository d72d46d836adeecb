#pragma once
/// Reading what an image directory says about itself, without checking its files.

#include "osbuild/osbuild.hpp"

namespace dstack::osbuild {

Result<ImageInfo> describe_image(const fs::path& directory);

} // namespace dstack::osbuild
