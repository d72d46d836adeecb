#include "cli/kms/stand_in.hpp"

#include "cli/simulate/world.hpp"
#include "sys/sockets.hpp"
#include "tee/sim_trust.hpp"

namespace dstack::cli {

namespace {

constexpr unsigned owner_only = 0700;
constexpr const char* socket_name = "agent.sock";

/// The same at every start and on every machine, so that its registers are.
Result<std::string> kms_app_compose()
{
  compose::BuildOptions build;
  build.name = "dstack-kms";
  build.docker_compose_file = "services:\n  kms:\n    image: dstack/kms\n";
  build.no_instance_id = true; // spec kms 9.2: its measurements must not change with the instance
  return compose::build_app_compose(build);
}

std::string known_agent(const Context& ctx, const kms::Settings& settings, const std::string& given)
{
  if (!given.empty()) return given;
  if (!settings.agent.empty()) return settings.agent;
  const std::string named = ctx.env("DSTACK_AGENT_ADDRESS");
  if (!named.empty()) return named;
  std::error_code ignored;
  for (const char* path : {"/var/run/dstack/dstack.sock", "/var/run/dstack.sock"})
    if (sys::fs::exists(path, ignored)) return fmt::format("unix:{}", path);
  return "";
}

} // namespace

Result<std::unique_ptr<KmsAttester>> KmsAttester::find(sys::Loop& loop,
                                                       const Context& ctx,
                                                       const sys::fs::path& directory,
                                                       const kms::Settings& settings,
                                                       const std::string& given)
{
  std::unique_ptr<KmsAttester> out{new KmsAttester};
  // Its root counts only where the policy allows simulated evidence.
  const sys::fs::path tee = ctx.dirs().data / "simulated-tee";
  out->address_ = known_agent(ctx, settings, given);
  if (!out->address_.empty()) {
    if (sys::fs::exists(tee / "collateral.json")) out->simulated_tee_ = tee;
    return out;
  }
  const World world = TRY(make_world(TRY(kms_app_compose()), tee, std::nullopt));
  out->simulated_tee_ = tee;
  out->socket_ = directory / socket_name;
  out->address_ = fmt::format("unix:{}", out->socket_.string());
  out->service_ = guestapi::dstack_service(world.guest);
  out->server_ = std::make_unique<net::HttpServer>(
      loop, net::ServerLimits{},
      [self = out.get()](const http::Request& request, const net::Responder& to) {
        to.send(rpc::answer(self->service_, request));
      });
  TRY(out->server_->serve(TRY(sys::listen_unix(out->socket_, owner_only))));
  return out;
}

KmsAttester::~KmsAttester()
{
  std::error_code ignored;
  if (server_) sys::fs::remove(socket_, ignored);
}

void KmsAttester::describe(codec::Json& settings) const
{
  settings.set("agent", address_);
  if (!simulated_tee_.empty()) settings.set("simulated_tee", simulated_tee_.string());
}

} // namespace dstack::cli
