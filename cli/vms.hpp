#pragma once
/// VMs as commands name and show them.

#include "cli/context.hpp"
#include "store/vm_store.hpp"

namespace dstack::cli {

store::VmStore vm_store(const Context& ctx);
/// The VM of that name, id or app id; with an empty word the only VM there is.
Result<store::VmRecord> pick_vm(const Context& ctx, std::string_view word);
/// Name, or id of a damaged VM.
std::string shown_name(const store::VmRecord& vm);

/// Where a published port answers: "http://127.0.0.1:8080", or "udp://…" for UDP.
std::string url_of(const vm::PortForward& port);
std::vector<std::string> urls_of(const store::VmSpec& spec);

/// The fields every --json document about a VM shares.
codec::Json vm_json(const store::VmRecord& vm);

/// Completers.
std::vector<Candidate> vm_names(Context& ctx);
std::vector<Candidate> live_vm_names(Context& ctx);

/// Takes the VM's operation lock or reports who holds it.
Result<sys::FileLock> lock_vm(const Context& ctx, const store::VmRecord& vm, std::string_view what);

} // namespace dstack::cli
