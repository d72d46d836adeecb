#pragma once
/// The compose override that binds each service to the image the bundle delivered.

#include "base/bytes.hpp"

#include <map>

namespace dstack::guest {

/// Service name -> image id ("sha256:…", checked against the pinned digest). The result is a
/// compose file in JSON: compose must use exactly these images and never look for others.
Result<std::string> override_file(const std::map<std::string, std::string>& image_of_service);

/// Compose project name of an app as compose itself would normalise it: lower case, only
/// [a-z0-9_-], starting with a letter or digit; "app" when nothing is left.
std::string project_name(std::string_view app_name);

} // namespace dstack::guest
