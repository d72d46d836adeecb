#pragma once
/// The "requirements" object of an app-compose: unknown keys are refused, because an older guest
/// that ignored one would run an app its author had forbidden. Internal to compose.

#include "compose/app_compose.hpp"

namespace dstack::compose {

Result<Requirements> parse_requirements(const codec::Json& value);
/// Syntax of a Cargo-style version requirement: ">=0.6.0, <0.7.0", "^1.2", "~1", "1.*", "*".
Status check_version_requirement(std::string_view text);

} // namespace dstack::compose
