#include "cli/gateway/stand_in.hpp"

#include "compose/app_compose.hpp"

namespace dstack::cli {

namespace {

/// The same at every start and on every machine, so that its app id is.
Result<std::string> gateway_app_compose()
{
  compose::BuildOptions build;
  build.name = "dstack-gateway";
  build.docker_compose_file = "services:\n  gateway:\n    image: dstack/gateway\n";
  build.key_provider = compose::KeyProvider::kms;
  build.no_instance_id = true; // spec gateway 19: all nodes are one app
  return compose::build_app_compose(build);
}

sys::fs::path simulated_tee(const Context& ctx)
{
  return ctx.dirs().data / "simulated-tee";
}

} // namespace

Result<std::unique_ptr<GatewayAgent>> GatewayAgent::find(sys::Loop& loop,
                                                         const Context& ctx,
                                                         const sys::fs::path& directory,
                                                         const gateway::Settings& settings,
                                                         const std::string& given)
{
  std::unique_ptr<GatewayAgent> out{new GatewayAgent};
  const sys::fs::path tee = simulated_tee(ctx);
  out->address_ = known_agent(ctx, given, settings.agent);
  std::error_code ignored;
  if (!out->address_.empty()) {
    if (sys::fs::exists(tee / "collateral.json", ignored)) out->simulated_tee_ = tee;
    return out;
  }
  if (settings.kms_urls.empty())
    return fail(Errc::config,
                "this machine has no guest agent, and gateway.toml names no KMS\nrun the gateway "
                "in a VM, or give 'kms_urls' so that an agent can be played for development");
  const WorldKms kms{TRY(kmsclient::parse_urls(settings.kms_urls).within("kms_urls"))};
  World world = TRY(make_world(TRY(gateway_app_compose()), tee, kms).within("KMS"));
  out->simulated_tee_ = tee;
  out->played_ = TRY(PlayedAgent::create(loop, directory, std::move(world)));
  out->address_ = out->played_->address();
  return out;
}

void GatewayAgent::describe(codec::Json& settings) const
{
  settings.set("agent", address_);
  if (!simulated_tee_.empty()) settings.set("simulated_tee", simulated_tee_.string());
}

Result<PlayedGateway> played_gateway(const Context& ctx)
{
  const World world = TRY(make_world(TRY(gateway_app_compose()), simulated_tee(ctx), std::nullopt));
  PlayedGateway out;
  const guestapi::Facts& facts = world.guest->evidence().facts();
  out.app_id = hex(facts.app_id);
  out.compose_hash = hex(facts.compose_hash);
  out.image.name = "dstack simulate";
  out.image.hash = facts.os_image_hash;
  const attest::TdxRegisters registers = TRY(world.guest->evidence().registers());
  out.image.registers = {{"mrtd", {hex(registers.mrtd)}},
                         {"rtmr1", {hex(registers.rtmr[1])}},
                         {"rtmr2", {hex(registers.rtmr[2])}}};
  return out;
}

} // namespace dstack::cli
