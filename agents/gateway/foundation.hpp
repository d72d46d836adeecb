#pragma once
/// What a gateway stands on: where it lives, its settings, its guest agent, what judges evidence.

#include "agents/gateway/launch_settings.hpp"
#include "fetch/service_prover.hpp"
#include "gateway/settings.hpp"
#include "guestclient/guest_agent.hpp"

namespace dstack::gatewaynode {

struct Foundation {
  sys::fs::path directory{};
  LaunchSettings launch{};
  gateway::Settings settings{};
  guestclient::GuestAgent agent;
  std::shared_ptr<fetch::Prover> prover{};

  /// Relative paths of settings are below the directory.
  sys::fs::path below(const std::string& path) const { return directory / path; }
};

/// DIR/gateway.toml, with what the starter says over it.
Result<gateway::Settings> read_settings(const sys::fs::path& directory,
                                        const LaunchSettings& launch);

Result<Foundation> lay_foundation(sys::fs::path directory,
                                  LaunchSettings launch,
                                  const std::function<std::string(const char*)>& environment);

} // namespace dstack::gatewaynode
