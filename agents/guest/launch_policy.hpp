#pragma once
/// The app's own conditions for being started (spec guest 15.2 step 3): judged before anything is
/// measured or unlocked.

#include "compose/app_compose.hpp"

namespace dstack::guest {

/// What the conditions are held against.
struct LaunchFacts {
  std::string os_version{};     ///< VERSION_ID of the measured root's os-release
  std::string platform{};       ///< "dstack-tdx"; the simulated TEE counts as what it emulates
  std::string vm_config{};      ///< JSON text of the host
  std::string user_config{};    ///< .user-config as the host gave it
  std::size_t display_pcis = 0; ///< PCI display controllers: GPUs
};

/// Errc::denied names the requirement that is not met.
Status check_requirements(const compose::AppCompose& app, const LaunchFacts& facts);

} // namespace dstack::guest
