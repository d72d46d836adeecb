#include "agents/gateway/foundation.hpp"

#include "tee/sim_trust.hpp"

namespace dstack::gatewaynode {

namespace {

constexpr std::string_view without_agent =
    "A gateway gets its certificate from one: run it in a VM, or with 'dstack gateway run', which "
    "plays one for development";

Result<std::shared_ptr<fetch::Prover>> make_prover(const Foundation& on)
{
  const gateway::CollateralSettings& settings = on.settings.collateral;
  fetch::ProverOptions out;
  out.directory = on.below(settings.directory);
  out.pccs_url = settings.pccs_url;
  out.kds_url = settings.kds_url;
  out.network = settings.offline ? fetch::Network::offline : fetch::Network::online;
  if (on.settings.development && !on.launch.simulated_tee.empty()) {
    auto trust = TRY(tee::read_sim_trust(on.launch.simulated_tee).within("simulated TEE"));
    if (trust) out.simulated = {std::move(trust->root), std::move(trust->collateral)};
  }
  return fetch::make_prover(out);
}

} // namespace

Result<gateway::Settings> read_settings(const sys::fs::path& directory,
                                        const LaunchSettings& launch)
{
  const std::string text = TRY(sys::read_text(directory / "gateway.toml", gateway::max_settings));
  auto out =
      TRY(gateway::settings_from_toml(text, "gateway.toml").within("{}", directory.string()));
  if (!launch.listen.empty()) out.listen = launch.listen;
  if (!launch.proxy_listen.empty()) out.proxy.listen = launch.proxy_listen;
  if (!launch.agent.empty()) out.agent = launch.agent;
  if (!launch.wireguard) out.wireguard.enabled = false;
  return out;
}

Result<Foundation> lay_foundation(sys::fs::path directory,
                                  LaunchSettings launch,
                                  const std::function<std::string(const char*)>& environment)
{
  auto settings = TRY(read_settings(directory, launch));
  auto agent = TRY(guestclient::GuestAgent::at(
      TRY(guestclient::agent_address(settings.agent, environment, without_agent))));
  Foundation out{
      std::move(directory), std::move(launch), std::move(settings), std::move(agent), {}};
  out.prover = TRY(make_prover(out));
  return out;
}

} // namespace dstack::gatewaynode
