#pragma once
/// Who gives a gateway on this machine its certificate and attests its keys: the guest agent, or,
/// where there is none, one that is played for an app "dstack-gateway" whose keys are a real KMS'.
/// The latter is for development: no hardware vouches for it.

#include "cli/simulate/agent.hpp"
#include "gateway/settings.hpp"
#include "kms/policy.hpp"

namespace dstack::cli {

class GatewayAgent {
public:
  /// given: --agent, over the settings'.
  static Result<std::unique_ptr<GatewayAgent>> find(sys::Loop& loop,
                                                    const Context& ctx,
                                                    const sys::fs::path& directory,
                                                    const gateway::Settings& settings,
                                                    const std::string& given);
  bool simulated() const { return played_ != nullptr; }
  /// Adds the members "agent" and "simulated_tee" to what dstack-gateway is started with.
  void describe(codec::Json& settings) const;

private:
  GatewayAgent() = default;

  std::string address_;
  sys::fs::path simulated_tee_;
  std::unique_ptr<PlayedAgent> played_;
};

/// What a KMS' policy has to hold so that the played gateway gets its keys.
struct PlayedGateway {
  std::string app_id{};
  std::string compose_hash{};
  kms::ImageRule image{};
};
Result<PlayedGateway> played_gateway(const Context& ctx);

inline constexpr std::string_view gateway_stand_in_note =
    "a development arrangement: this machine has no guest agent, so the gateway's keys are "
    "attested by a simulated TEE. No hardware vouches for it";

} // namespace dstack::cli
