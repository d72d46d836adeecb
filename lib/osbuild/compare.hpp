#pragma once
/// Two builds of one image, byte by byte.

#include "osbuild/osbuild.hpp"

namespace dstack::osbuild {

struct Difference {
  std::string file{};
  std::string what{}; ///< "only in …", "first differs at byte 17 …", "\"version\" is … and …"
};

/// Every file of either directory that is not the same in both, by name; nothing when all are.
Result<std::vector<Difference>> compare_images(const fs::path& a, const fs::path& b);

} // namespace dstack::osbuild
