#include "cli/simulate/agent.hpp"

#include "sys/clock.hpp"
#include "sys/sockets.hpp"

namespace dstack::cli {

namespace {

constexpr unsigned owner_only = 0700;
constexpr const char* socket_name = "agent.sock";
constexpr std::chrono::milliseconds certificate_answer{20'000}; ///< of a KMS

} // namespace

std::string known_agent(const Context& ctx, const std::string& given, const std::string& set)
{
  if (!given.empty()) return given;
  if (!set.empty()) return set;
  const std::string named = ctx.env("DSTACK_AGENT_ADDRESS");
  if (!named.empty()) return named;
  std::error_code ignored;
  for (const char* path : {"/var/run/dstack/dstack.sock", "/var/run/dstack.sock"})
    if (sys::fs::exists(path, ignored)) return fmt::format("unix:{}", path);
  return "";
}

Result<std::unique_ptr<guestsite::KmsSigner>> make_signer(sys::Loop& loop, const World& world)
{
  const guestapi::Facts& facts = world.guest->evidence().facts();
  guestsite::SignerSettings settings;
  settings.kms = *world.kms;
  settings.app_id = facts.app_id;
  settings.vm_config = facts.vm_config;
  settings.reach.answer = certificate_answer;
  settings.reach.total = certificate_answer;
  settings.now = sys::now;
  auto out = TRY(guestsite::KmsSigner::create(loop, std::move(settings)));
  *world.sign_cert = [signer = out.get()](guestapi::SigningRequest request,
                                          guestapi::OnCertificate done) {
    signer->sign(std::move(request), std::move(done));
  };
  return out;
}

PlayedAgent::PlayedAgent(sys::fs::path socket, World world)
    : socket_(std::move(socket)), world_(std::move(world)),
      service_(guestapi::dstack_service(world_.guest))
{
}

Result<std::unique_ptr<PlayedAgent>>
PlayedAgent::create(sys::Loop& loop, const sys::fs::path& directory, World world)
{
  std::unique_ptr<PlayedAgent> out{new PlayedAgent{directory / socket_name, std::move(world)}};
  if (out->world_.kms) out->signer_ = TRY(make_signer(loop, out->world_));
  out->server_ = std::make_unique<net::HttpServer>(
      loop, net::ServerLimits{},
      [self = out.get()](const http::Request& request, const net::Responder& to) {
        rpc::answer(self->service_, request,
                    [to](http::Response answer) { to.send(std::move(answer)); });
      });
  TRY(out->server_->serve(TRY(sys::listen_unix(out->socket_, owner_only))));
  return out;
}

PlayedAgent::~PlayedAgent()
{
  std::error_code ignored;
  if (server_) sys::fs::remove(socket_, ignored);
}

} // namespace dstack::cli
