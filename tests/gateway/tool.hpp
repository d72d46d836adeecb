#pragma once
/// What the load tools are as programs.

#include "codec/json.hpp"

#include <vector>

namespace dstack::gateway_load {

/// Prints what came of it as JSON, or why nothing did; the exit status.
int tool(const char* name,
         Result<codec::Json> (*run)(const std::vector<std::string>&),
         const std::vector<std::string>& words);

} // namespace dstack::gateway_load
