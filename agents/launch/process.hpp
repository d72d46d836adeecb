#pragma once
/// What agents do with the process they run in.

#include "agents/launch/launch.hpp"

#include <functional>

namespace dstack::launch {

/// A variable of the environment; empty when unset.
std::string environment(const char* name);

/// Connections need descriptors; the usual soft limit is fewer than settings allow.
void raise_descriptor_limit();

/// Runs an agent under its contract (launch.hpp) and tells its starter and its log when it fails.
/// Returns the exit status: for an error the one that `dstack` ends with, so that it can end alike.
int run_agent(std::string_view name, const std::function<Result<int>(Readiness&)>& run);

} // namespace dstack::launch
