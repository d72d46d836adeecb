#pragma once
/// The gateway that makes an app's ports reachable by name, as deploy, update and inspect see it.

#include "cli/deploy/app.hpp"
#include "cli/deploy/prediction.hpp"
#include "store/vm_store.hpp"

namespace dstack::cli {

struct GatewayOptions {
  std::vector<std::string> urls; ///< each may hold several, with commas
};
void add_gateway_option(Leaf& leaf, GatewayOptions& options);

/// The addresses for vm.json: those given, else those known of a VM that is updated. With some
/// given, an app that is made from a compose file asks for a gateway, and must have a KMS.
enum class HasKms { no, yes };
Result<std::vector<std::string>> choose_gateways(const GatewayOptions& options,
                                                 const std::vector<std::string>& known,
                                                 HasKms kms,
                                                 AppOptions& app);
/// Addresses are for an app that asks for a gateway; one that asks and gets none is warned of.
Status
check_gateways(Context& ctx, const std::vector<std::string>& urls, const compose::AppCompose& app);

/// How the guest says it is with its gateway.
struct GatewayView {
  bool registered = false;
  std::string problem{};           ///< why its last attempt failed, safe to print
  std::string url{};               ///< the one it is registered with
  std::string domain{};            ///< "": the gateway has none yet
  std::uint16_t external_port = 0; ///< of the names
  std::string address{};           ///< of the VM in WireGuard's network, "" without
  bool heard = false;              ///< WireGuard had a handshake
};
/// Nothing when the VM has no gateway, or does not answer.
std::optional<GatewayView> guest_gateway(const store::VmRecord& vm);

/// What only a running guest can say, and what of it was known before.
struct GuestSays {
  std::optional<Measurements> measured{};
  std::optional<Predicted> predicted{};
  std::optional<GatewayView> gateway{};
};

/// https://<app id>-<port>.<domain> of each TCP port that is reachable from this machine, too.
std::vector<std::string> gateway_names(const GatewayView& view, const store::VmSpec& spec);
codec::Json gateway_json(const GatewayView& view, const store::VmSpec& spec);
void print_gateway(Console& ui, const GatewayView& view, const store::VmSpec& spec);

} // namespace dstack::cli
