#pragma once
/// Starting and ending the supervisor process of a VM.

#include "cli/context.hpp"
#include "store/vm_store.hpp"

namespace dstack::cli {

/// Spawns dstack-vm in a session of its own and waits until QEMU runs and the control socket
/// listens. On failure nothing of it is left running.
Status start_supervisor(const Context& ctx, const store::VmRecord& vm);

/// Asks for a shutdown of the guest, within that time, then less politely; when even the
/// supervisor does not answer it is killed, and QEMU with it. Done when nobody runs the VM.
Status stop_vm(const store::VmRecord& vm, std::chrono::milliseconds timeout);

} // namespace dstack::cli
