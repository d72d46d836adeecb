#include "cli/deploy/gateway.hpp"

#include "base/text.hpp"
#include "cli/control.hpp"
#include "cli/deploy/kms.hpp"
#include "codec/json_list.hpp"

#include <limits>

namespace dstack::cli {

namespace {

constexpr std::uint16_t https_port = 443;

Result<GatewayView> read_view(const codec::Json& state)
{
  GatewayView out;
  out.registered = TRY(state.get_bool("registered", false));
  out.problem = printable(TRY(state.get_string("problem", "")));
  out.url = printable(TRY(state.get_string("url", "")));
  out.domain = printable(TRY(state.get_string("domain", "")));
  out.address = printable(TRY(state.get_string("address", "")));
  out.heard = TRY(state.get_bool("heard", false));
  const std::uint64_t port = TRY(state.get_u64("external_port", 0));
  if (port > std::numeric_limits<std::uint16_t>::max())
    return fail(Errc::malformed, "port {}", port);
  out.external_port = static_cast<std::uint16_t>(port);
  return out;
}

std::string name_of_port(const GatewayView& view, const std::string& app_id, std::string_view port)
{
  const bool usual = view.external_port == https_port || view.external_port == 0;
  return fmt::format("https://{}-{}.{}{}", app_id, port, view.domain,
                     usual ? "" : fmt::format(":{}", view.external_port));
}

} // namespace

void add_gateway_option(Leaf& leaf, GatewayOptions& options)
{
  leaf.option("--gateway", options.urls, "URL[,URL]",
              "Have this gateway (https://HOST:PORT) give the app a name, or the first of several "
              "that answers; needs --kms")
      .group("Gateway");
}

Result<std::vector<std::string>> choose_gateways(const GatewayOptions& options,
                                                 const std::vector<std::string>& known,
                                                 HasKms kms,
                                                 AppOptions& app)
{
  if (options.urls.empty()) return known;
  const std::vector<std::string> urls = one_by_one(options.urls);
  TRY(as_usage(kmsclient::parse_urls(urls, "gateway").within("--gateway")));
  if (kms == HasKms::no)
    return fail(Errc::usage, "--gateway: a gateway knows apps by the certificates of their KMS\n"
                             "say which KMS it is with --kms URL");
  app.gateway = true;
  return urls;
}

Status
check_gateways(Context& ctx, const std::vector<std::string>& urls, const compose::AppCompose& app)
{
  if (!app.gateway_enabled && !urls.empty())
    return fail(Errc::usage, "--gateway: the app does not ask for one (gateway_enabled)");
  if (app.gateway_enabled && urls.empty())
    ctx.ui().warn("the app asks for a gateway (gateway_enabled) and gets none: --gateway URL");
  return ok();
}

std::optional<GatewayView> guest_gateway(const store::VmRecord& vm)
{
  if (vm.spec.gateway_urls.empty()) return std::nullopt;
  const auto info = Control{vm.paths()}.guest("Info", codec::Json::object());
  const codec::Json* state = info ? info->find("gateway") : nullptr;
  if (state == nullptr || !state->is_object()) return std::nullopt;
  auto view = read_view(*state);
  if (!view) return std::nullopt;
  return *std::move(view);
}

std::vector<std::string> gateway_names(const GatewayView& view, const store::VmSpec& spec)
{
  std::vector<std::string> out;
  if (view.domain.empty()) return out;
  for (const vm::PortForward& port : spec.ports)
    if (port.protocol == vm::Protocol::tcp)
      out.push_back(name_of_port(view, spec.app.app_id, std::to_string(port.vm_port)));
  return out;
}

codec::Json gateway_json(const GatewayView& view, const store::VmSpec& spec)
{
  return codec::Json::object()
      .set("registered", view.registered)
      .set("url", view.url)
      .set("domain", view.domain)
      .set("external_port", unsigned{view.external_port})
      .set("address", view.address)
      .set("heard", view.heard)
      .set("problem", view.problem)
      .set("names", codec::list_of(gateway_names(view, spec)));
}

void print_gateway(Console& ui, const GatewayView& view, const store::VmSpec& spec)
{
  const auto row = [&ui](std::string_view name, std::string_view value) {
    ui.line(fmt::format("{:<13} {}", name, value));
  };
  if (view.registered)
    row("gateway", view.address.empty() ? view.url
                                        : fmt::format("{}, as {}{}", view.url, view.address,
                                                      view.heard ? "" : ", not heard yet"));
  else
    row("gateway", "not registered");
  if (!view.problem.empty()) row("", view.problem);
  const auto names = gateway_names(view, spec);
  for (const std::string& name : names)
    row("name", name);
  if (!view.registered || !names.empty()) return;
  row("name", view.domain.empty() ? "none: the gateway has no domain yet"
                                  : name_of_port(view, spec.app.app_id, "PORT"));
}

} // namespace dstack::cli
