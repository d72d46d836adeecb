#pragma once
/// From "the supervisor runs" to "the app answers": watches the VM's state and tells it in stages.

#include "cli/context.hpp"
#include "cli/ui/stages.hpp"
#include "store/vm_store.hpp"

namespace dstack::cli {

/// How waiting ended.
enum class BootEnd { ready, timed_out, interrupted };

struct BootOutcome {
  BootEnd end = BootEnd::ready;
  int signal = 0; ///< that interrupted
};

struct BootWait {
  std::chrono::milliseconds timeout{600'000};
};

/// Follows the boot until the app is ready. A boot that failed is an error with its reason and the
/// end of the console.
Result<BootOutcome> follow_boot(const store::VmRecord& vm, const BootWait& wait, Stages& stages);

/// The last lines of the VM's serial console, made safe to print.
std::string console_tail(const store::VmPaths& paths, std::size_t lines);

/// One published port, asked from outside the VM.
struct Probe {
  vm::PortForward port;
  bool answered = false;
  bool http = false;
  int http_status = 0;
  std::string url;
};

/// Asks every published port until it answers or the time is over.
std::vector<Probe> probe_ports(const store::VmSpec& spec, std::chrono::milliseconds timeout);

} // namespace dstack::cli
