#pragma once
/// The only place where threads start: run independent pieces of work at the same time.

#include "base/result.hpp"

#include <functional>
#include <vector>

namespace dstack::sys {

/// Runs every task on at most `workers` threads and waits for all; the first failure (in task
/// order) is returned.
Status run_parallel(const std::vector<std::function<Status()>>& tasks, unsigned workers);

/// How many threads can run at once here, at least 1.
unsigned processor_count();

} // namespace dstack::sys
