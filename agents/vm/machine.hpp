#pragma once
/// Turns a VM's directory into what QEMU needs: disks, sockets and logs in place, the command line
/// decided by what the host offers.

#include "agents/vm/qemu_process.hpp"
#include "agents/vm/settings.hpp"
#include "image/metadata.hpp"
#include "store/vm_store.hpp"

namespace dstack::supervisor {

struct Machine {
  QemuProcess::Command command{};
  image::Metadata image{};
  std::string accelerator{}; ///< "kvm" or "tcg", with the reason
};

/// Refuses (disk full, no TDX, damaged share) before anything is started.
Result<Machine> prepare_machine(const store::VmSpec& spec,
                                const store::VmPaths& paths,
                                const launch::LogLimits& logs,
                                vm::ChannelKind channel);

/// MRCONFIGID that binds the app: 0x01, the compose hash, zeros to 48 bytes (spec guest 20, V1). A
/// TDX VM whose configuration has an mr_config has that document's, of version 3, instead.
Result<Bytes> mr_config_id(const store::VmSpec& spec);

/// The vsock context id of a VM, from its id.
std::uint32_t guest_cid(const store::VmSpec& spec);

} // namespace dstack::supervisor
