#include "gatewayclient/trust.hpp"
#include "guest/console.hpp"
#include "guest/guest.hpp"
#include "sys/clock.hpp"

namespace dstack::guest {

namespace {

constexpr const char* key_file = "/data/dstack/wireguard.key";
constexpr std::string_view certificate_subject = "dstack-guest-agent";
constexpr std::uint64_t certificate_seconds = 864'000; // ten days; spec gateway 8
/// The app waits for its tunnel, but not for a gateway that does not answer.
constexpr std::chrono::milliseconds gateway_deadline{45'000};

route::PortPolicy port_policy(const compose::AppCompose& app)
{
  route::PortPolicy out;
  if (app.restrict_ports) out.access = route::PortPolicy::Access::listed;
  std::map<std::uint16_t, bool> rules;
  for (const compose::PolicyPort& port : app.policy_ports)
    rules[port.port] = port.proxy_protocol;
  for (const auto& [port, proxy_protocol] : rules)
    out.rules.push_back({port, proxy_protocol});
  return out;
}

Result<route::Network> own_network(const NetworkConfig& config)
{
  return route::Network{TRY(route::parse_address(config.address)), config.prefix};
}

} // namespace

/// What it takes is there: keys, certificates, the data disk. Nothing that goes wrong here keeps
/// the app from running: it only has no name in the world.
void Guest::open_gateway()
{
  if (!app_.gateway_enabled) return;
  auto made = make_gateway();
  if (!made) return no_gateway(made.error().message());
  gateway_ = *std::move(made);
  gateway_->start();
}

Result<std::unique_ptr<GatewayLink>> Guest::make_gateway()
{
  GatewaySettings settings;
  settings.urls = TRY(kmsclient::parse_urls(config_.gateway_urls, "gateway"));
  TRY(gatewayclient::check_gateway_id(gateway_app_id_));
  settings.gateway_app_id = gateway_app_id_;
  settings.root_der = kms_->root.der;
  if (config_.network) {
    settings.dns = {config_.network->dns};
    settings.local = TRY(own_network(*config_.network));
  }
  settings.policy = port_policy(app_);
  TRY(await_modules(wireguard_loading_));
  settings.private_key = TRY(wireguard_key(key_file));
  GatewayLink::Outside outside;
  outside.now = sys::now;
  outside.certificate = [this](GatewayLink::OnCertificate done) {
    guestapi::LeafRequest request;
    request.subject = certificate_subject;
    request.client_auth = true;
    request.app_info = true;
    request.not_after = static_cast<std::uint64_t>(sys::now().seconds()) + certificate_seconds;
    const auto key = guestapi::random_p256("");
    if (!key) return done(key.error());
    api_->issue(request, *key, std::move(done));
  };
  outside.joined = [this](const std::string& what) { tell_of_gateway("gateway.joined", what); };
  outside.failed = [this](const std::string& why) { no_gateway(why); };
  return GatewayLink::create(*loop_, processes_, std::move(settings), std::move(outside));
}

void Guest::no_gateway(const std::string& why)
{
  gateway_problem_ = why;
  const bool had_one = gateway_ && gateway_->is_registered();
  tell_of_gateway("gateway.error", (had_one ? "the gateway was not reached again: "
                                            : "no gateway, so the app has no name in the world: ") +
                                       why);
}

/// The boot's stages are shown by whoever waits for them; events are for those who look later.
void Guest::tell_of_gateway(std::string_view event, const std::string& text)
{
  if (booted_)
    console_stage(guest_name, text);
  else
    stage(text);
  host_->notify(event, text);
}

/// Until the first registration has come to something or to nothing.
void Guest::await_gateway()
{
  if (!gateway_ || gateway_->settled()) return;
  const auto settled = [this] { return gateway_->settled(); };
  const Status waited = run_until(*loop_, settled, gateway_deadline, "the gateway");
  if (!waited) console_stage(guest_name, waited.error().message());
}

/// Nothing when the app asks for no gateway.
std::optional<codec::Json> Guest::gateway_status() const
{
  if (!app_.gateway_enabled) return std::nullopt;
  if (gateway_) return gateway_->status();
  return codec::Json{}.set("registered", false).set("problem", gateway_problem_);
}

} // namespace dstack::guest
