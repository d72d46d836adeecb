#pragma once
/// What processes cost, as the kernel counts it.

#include "base/result.hpp"

#include <vector>

namespace dstack::gateway_load {

/// Processor seconds of a process, all its threads together (schedstat: nanoseconds, with what the
/// kernel did for it on the way).
Result<double> process_seconds(int pid);
/// Of everything that runs, idle time left out; with what the host took for others.
Result<double> machine_seconds();
/// Of one processor.
Result<double> processor_seconds(unsigned processor);
/// Memory that is resident, in bytes.
Result<std::uint64_t> resident_bytes(int pid);

} // namespace dstack::gateway_load
