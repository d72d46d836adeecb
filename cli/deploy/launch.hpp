#pragma once
/// Starting a VM that exists, and saying how it went: shared by deploy, start, restart and update.

#include "cli/deploy/boot.hpp"
#include "cli/settings.hpp"

namespace dstack::cli {

struct LaunchOptions {
  bool detach = false;
  bool wait = false;
};

/// Adds --wait, --no-wait/-d and --wait-timeout.
void add_wait_options(Leaf& leaf, LaunchOptions& options, SettingOptions& settings);

struct Launched {
  BootEnd end = BootEnd::ready;
  int signal = 0;
  bool waited = true;
  std::vector<Probe> probes;
};

/// Starts the supervisor (the caller holds the VM's lock; release_lock is called once it runs),
/// then waits as the options say.
Result<Launched> launch(Context& ctx,
                        const store::VmRecord& vm,
                        const LaunchOptions& options,
                        const config::Config& config,
                        Stages& stages,
                        const std::function<void()>& release_lock);

/// Prints the outcome (people or JSON with that schema) and gives the exit status.
Result<Exit> report_launch(Context& ctx,
                           const store::VmRecord& vm,
                           const Launched& launched,
                           const Stages& stages,
                           std::string_view schema);

} // namespace dstack::cli
