#pragma once
/// Version requirements as Cargo understands them ("^1.2", ">=0.6.0, <0.7.0", "1.*"), which is what
/// requirements.os_version holds (spec guest 15.2).

#include "base/result.hpp"

namespace dstack::compose {

/// requirement has passed check_version_requirement; version is "major.minor.patch[-pre][+build]".
/// A pre-release satisfies only a requirement that names a pre-release of the same version.
Result<bool> version_satisfies(std::string_view requirement, std::string_view version);

} // namespace dstack::compose
