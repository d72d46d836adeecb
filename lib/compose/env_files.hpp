#pragma once
/// Environment files that travel inside the measured app-compose, under the key "env_files".
/// Internal to compose.

#include "codec/json.hpp"

#include <map>

namespace dstack::compose {

/// Relative, without "..", "." or empty parts, printable ASCII without blanks at the ends.
Status check_relative_path(std::string_view path);
/// An object path -> text, within the limits of project.hpp.
Result<std::map<std::string, std::string>> parse_env_files(const codec::Json& value);

} // namespace dstack::compose
