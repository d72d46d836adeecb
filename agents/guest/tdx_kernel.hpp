#pragma once
/// Getting the kernel's TDX interfaces ready: modules, configfs, then the TEE over them.

#include "tee/tee.hpp"

namespace dstack::guest {

Result<std::unique_ptr<tee::Tee>> open_tdx_kernel();

/// The same outside TDX, in a process of its own with mounts of its own: prints how far it comes.
/// So every boot of a simulated VM tells whether its kernel would do on the hardware.
int probe_tdx_kernel();

} // namespace dstack::guest
