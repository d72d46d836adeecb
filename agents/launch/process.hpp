#pragma once
/// What agents do with the process they run in.

#include "base/result.hpp"

namespace dstack::launch {

/// A variable of the environment; empty when unset.
std::string environment(const char* name);

/// As `dstack` ends for such an error, so that it can end the same way.
int exit_status(Errc code);

/// Connections need descriptors; the usual soft limit is fewer than settings allow.
void raise_descriptor_limit();

} // namespace dstack::launch
